"""FAME: "Motion-aware Contrastive Video Representation Learning via Foreground-
Background Merging" (Ding, Li, Yang, Qian, Xu, Chen, Wang, Xiong, CVPR 2022).
"""
