"""I3D, "Quo Vadis, Action Recognition?" (Carreira & Zisserman, CVPR 2017)."""
