"""How good is a model, and what does it look at?

classification  accuracy of clips and videos    retrieval     nearest neighbours
intervals       Wilson, t, paired t             cam           class activation maps
scene_bias      RESOUND's and REPAIR's bias     probes        what features tell
masks           IoU, precision, recall          optical_flow  flow errors, warping
report_card     the same examination for all    frozen_world  its settings
claims          from records to verdicts        inference     models over data sets
recorded        recorded numbers by name        cam_boxes     boxes out of those maps
localization    detection mAP over time         segments      temporal overlap
"""

from course.evaluation.cam import class_activation_map, energy_inside, upsample_map
from course.evaluation.cam_boxes import (
    box_accuracy,
    box_iou,
    cam_boxes,
    largest_component,
    mask_boxes,
)
from course.evaluation.claims import (
    KINDS,
    OUTCOMES,
    Claim,
    Verdict,
    live_effect,
    missing_runs,
    verdict,
)
from course.evaluation.classification import (
    accuracy,
    accuracy_interval,
    confusion_matrix,
    per_class_accuracy,
    top_k_accuracy,
    video_accuracy,
    video_scores,
)
from course.evaluation.frozen_world import REPORT_CARD, report_card_world
from course.evaluation.inference import evaluating, predict
from course.evaluation.intervals import (
    Interval,
    paired_t_interval,
    t_interval,
    wilson_interval,
)
from course.evaluation.localization import DetectionMap, temporal_detection_map
from course.evaluation.masks import mask_iou, mask_precision, mask_recall
from course.evaluation.optical_flow import (
    end_point_error,
    end_point_error_map,
    flow_cosine,
    lands_inside,
    outlier_auc,
    outlier_share,
    outliers,
    warp,
)
from course.evaluation.probes import label_entropy, linear_probe, one_hot, scene_probe
from course.evaluation.recorded import Recorded
from course.evaluation.report_card import ReportCard, report_card, report_card_table
from course.evaluation.retrieval import centred, nearest, retrieval_recall
from course.evaluation.scene_bias import (
    dataset_scene_bias,
    majority_rate,
    repair_bias,
    scene_bias,
    scene_bias_ceiling,
    scene_bias_interval,
)
from course.evaluation.segments import segments_from_scores, temporal_iou

__all__ = [
    "Claim",
    "DetectionMap",
    "Interval",
    "KINDS",
    "OUTCOMES",
    "REPORT_CARD",
    "Recorded",
    "ReportCard",
    "Verdict",
    "accuracy",
    "accuracy_interval",
    "box_accuracy",
    "box_iou",
    "cam_boxes",
    "centred",
    "class_activation_map",
    "confusion_matrix",
    "dataset_scene_bias",
    "end_point_error",
    "end_point_error_map",
    "energy_inside",
    "evaluating",
    "flow_cosine",
    "label_entropy",
    "lands_inside",
    "largest_component",
    "linear_probe",
    "live_effect",
    "majority_rate",
    "mask_boxes",
    "mask_iou",
    "mask_precision",
    "mask_recall",
    "nearest",
    "missing_runs",
    "one_hot",
    "outlier_auc",
    "outlier_share",
    "outliers",
    "paired_t_interval",
    "per_class_accuracy",
    "predict",
    "repair_bias",
    "report_card",
    "report_card_table",
    "report_card_world",
    "retrieval_recall",
    "scene_bias",
    "scene_bias_ceiling",
    "scene_bias_interval",
    "scene_probe",
    "segments_from_scores",
    "t_interval",
    "temporal_detection_map",
    "temporal_iou",
    "top_k_accuracy",
    "upsample_map",
    "verdict",
    "video_accuracy",
    "video_scores",
    "warp",
    "wilson_interval",
]
