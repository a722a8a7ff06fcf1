"""What the chapter draws.  Notebooks ask `panels` and `pictures`.

For the panels:

    bias_meter    how much of the action a scene label tells, from labels alone
    toy_game      a network of two features and its scene head, 60 steps of their game;
                  `game_view` says and draws it
    masked_view   a clip's human covered up, and what still tells of it
    cam_view      where two networks look on clips whose scene is another action's
    trade_off     recorded runs as dots, one number against another

For the still picture:

    schematic     scene debiasing in one picture
"""
