"""What the chapter draws.  Notebooks ask `course.i3d.panels` and `course.i3d.pictures`.

For the panels:

    boring_video    one filter on a still or scrolling video (section 2.4)
    stride_view     what a layer's strides and fields make of moving dots (section 2.4)
    fusion_view     two streams' answers, fused; `fusion_bounds` computes them
    treemap         where the parameters are (table 1); `squarify` lays it out

For the still pictures:

    schematics      the paper in one figure, the five architectures (figure 2)
    growth          receptive fields, layer by layer (figure 3)
    measured        curves and bars of what was trained here
    tables_figure   tables 2 to 5, sortable
"""
