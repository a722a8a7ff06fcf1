"""Do the published weights give the published outputs in our network?

`python -m course train i3d --verify-weights FILES --clip CLIP` proves the weights by
their checksums, runs our `I3D` on DeepMind's sample clip and sets the best classes
beside the outputs that they printed; with both streams, the fused ones too.  The clip
is the arrays of the repository, already resized, cropped and scaled to [-1, 1]; of a
video only the best class is judged, because rounding and resizing change the logits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from course.i3d.fusion import sum_of_logits
from course.i3d.published import Published, artefacts, read_published
from course.i3d.published.artefacts import DATA_FILE, Reference
from course.i3d.published.comparison import compare
from course.i3d.published.sample_clip import SampleClip, find_clips, read_sample

VARIABLE = "COURSE_I3D_WEIGHTS"  # a folder as the repository has it
_INSIDE = (
    DATA_FILE,
    f"*/{DATA_FILE}",
    f"checkpoints/*/{DATA_FILE}",
    f"data/checkpoints/*/{DATA_FILE}",
    "*.pt",
    "*.pth",
)


def verify_weights(
    paths: Iterable[str | os.PathLike] = (),
    clip: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    log: Callable[[str], None] = print,
) -> bool:
    """Prove files of published weights and compare our network's outputs.

    Args:
        paths: files or folders of weights; by default the folder that the environment
            variable COURSE_I3D_WEIGHTS names.
        clip: the sample clip: an .npy file, one for each stream, a folder that has
            them, or a video; by default those in the folders of `paths`.
        log: called with each line of the report.

    Returns:
        whether every file is what was published and every output that could be
        compared lies within the tolerances; False if there was no file at all, and if
        a clip was named that no network could be run on.

    Source: out/*.txt of google-deepmind/kinetics-i3d.

    >>> verify_weights(["nowhere"], log=lambda line: None)
    False
    """
    given = [Path(path) for path in paths]
    if not given and os.environ.get(VARIABLE):
        given = [Path(os.environ[VARIABLE])]
    networks, good = _networks(given, log)
    if not networks:
        log(artefacts.download_guide())
        return False
    try:
        clips = find_clips(clip, given)
    except (ValueError, OSError) as error:
        log(f"FAIL  {error}")
        return False
    outputs: dict[str, Tensor] = {}
    samples: dict[str, SampleClip] = {}
    for network in networks:
        good &= _run(network, clips, samples, outputs, log)
    if clip is not None and not outputs:
        log("FAIL  the clip fits none of these networks, so no output was compared")
        good = False
    return _joint(outputs, samples, log) and good


def find_weights(path: Path) -> list[Path]:
    """The files of weights meant by a path: itself, or those of a folder.

    Args:
        path: a file, a checkpoint's folder or prefix, or a folder above checkpoints.

    Raises:
        FileNotFoundError: the folder has none.

    >>> find_weights(Path("a/model.ckpt"))[0].name
    'model.ckpt'
    """
    if not path.is_dir():
        return [path]
    found = [file for pattern in _INSIDE for file in sorted(path.glob(pattern))]
    if not found:
        raise FileNotFoundError(f"{path}: no weights in this folder")
    return found


def logits_of(
    network: Published, clip: Float[Tensor, "1 c t h w"]
) -> Float[Tensor, " k"]:
    """Our `I3D` with these weights on one clip in [-1, 1].

    Raises:
        ValueError: the clip has other channels than the network.
    """
    from course.backbones.inception import I3D

    channels = artefacts.CHANNELS[network.stream]
    net = I3D(network.classes, in_channels=channels).eval()
    net.load_state_dict(network.state)
    with torch.inference_mode():
        return net(clip)[0]


def _networks(
    paths: Iterable[Path], log: Callable[[str], None]
) -> tuple[list[Published], bool]:
    """Every network that can be read, and whether all could."""
    found, good = [], True
    for path in paths:
        try:
            files = find_weights(path)
        except (ValueError, OSError) as error:
            log(f"FAIL  {error}")
            good = False
            continue
        for file in files:
            try:
                network = read_published(file)
            except (ValueError, OSError) as error:
                log(f"FAIL  {error}")
                good = False
                continue
            log(f"ok    {network.name}: {network.proof} ({file})")
            found.append(network)
    return found, good


def _run(
    network: Published,
    clips: Mapping[str, Path],
    samples: dict[str, SampleClip],
    outputs: dict[str, Tensor],
    log: Callable[[str], None],
) -> bool:
    """Run one network on its stream's clip; False if its outputs are not the printed.

    Adds what it read and computed to `samples` and `outputs`.
    """
    name, stream = _config(network.name), network.stream
    reference = artefacts.reference_outputs().get(name)
    if reference is None:
        log(f"      {network.name}: the table of outputs has none, so none compared")
        return True
    if stream not in clips:
        log(f"      {network.name}: no {stream} clip was given, so no output compared")
        return True
    try:
        samples[stream] = samples.get(stream) or read_sample(clips[stream], stream)
    except (ValueError, OSError) as error:
        log(f"FAIL  {error}")
        return False
    sample = samples[stream]
    log(f"      {network.name} on {clips[stream]}: {sample.caveat}")
    outputs[name] = logits_of(network, sample.values)
    return _report(name, outputs[name], reference, sample.exact, log)


def _joint(
    outputs: Mapping[str, Tensor],
    samples: Mapping[str, SampleClip],
    log: Callable[[str], None],
) -> bool:
    """Compare the streams' sums where both streams ran."""
    good, exact = True, all(sample.exact for sample in samples.values())
    for kind in ("imagenet", "scratch"):
        pair = [outputs.get(f"{kind}_{stream}") for stream in ("rgb", "flow")]
        if pair[0] is not None and pair[1] is not None:
            name = f"{kind}_joint"
            reference = artefacts.reference_outputs()[name]
            fused = sum_of_logits(pair[0], pair[1])
            good &= _report(name, fused, reference, exact, log)
    return good


def _report(
    name: str,
    logits: Tensor,
    reference: Reference,
    exact: bool,
    log: Callable[[str], None],
) -> bool:
    result = compare(logits, reference, exact)
    log(f"{'ok  ' if result.passed else 'FAIL'}  {name}: {result.sentence}")
    for line in result.table:
        log(f"      {line}")
    return result.passed


def _config(checkpoint: str) -> str:
    """A checkpoint's name in the table of outputs: imagenet_rgb for rgb_imagenet."""
    return "_".join(reversed(checkpoint.split("_")))
