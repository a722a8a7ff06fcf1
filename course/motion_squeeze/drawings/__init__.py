"""What the chapter draws.  Notebooks ask `panels`, `pictures` and `own_video`.

For the panels:

    windows       a window of offsets as a small picture, with marks
    matching      one cell of the flow bench, matched step by step;
                  `matching_view` says and draws it
    fields        displacement fields as arrows or colours, beside the truth
    world_field   a clip of the world, matched with untrained features, scored
    window_view   which motions a window reaches at which stage, and what it costs

For the still pictures:

    schematics    the module step by step, the temporal shift
    bands         which products of all pairs of cells the windows need
    ladder        time and memory of the ways to compute a correlation
    measured      what the recorded runs found
"""
