"""The room of the start notebook: a small network learns the scenery, not the action.

experiment  settings per scale, the training, the runs of the ledger
panels      world knobs, activation maps, frame differences of any video
exercises   two warm-ups        quiz     what to take along
claims      what this notebook says, as rows that recorded runs decide
"""
