"""Two warm-up exercises and the quiz of the start notebook."""

from __future__ import annotations

from course.teaching.exercise import Case, Exercise, Wrong

EXERCISES = {
    e.id: e
    for e in [
        Exercise(
            id="start-1",
            title="What is the scene alone worth?",
            difficulty=1,
            minutes=4,
            task="An action happens in its own scene with probability `rho`, "
            "otherwise in "
            "any of the `k` scenes, drawn uniformly (its own among them). Write the "
            "accuracy of someone who only looks at the scene and always names the "
            "action "
            "at home there.",
            function="scene_only_accuracy",
            stub="def scene_only_accuracy(rho, k):\n    ...  # a number in [1/k, 1]",
            solution="def scene_only_accuracy(rho, k):\n    return rho + (1 - rho) / k",
            hints=(
                "The guess is right in two cases that exclude each other.",
                "With probability rho the scene is the own one on purpose. In the "
                "rest, it "
                "is the own one by luck in one case of k.",
            ),
            cases=[
                Case((1.0, 8), 1.0, "At rho = 1 the scene gives everything away."),
                Case((0.0, 8), 0.125, "At rho = 0 guessing is right once in k times."),
                Case(
                    (0.9, 8), 0.9125, "Uniform over *all* scenes: luck helps a little."
                ),
                Case((0.5, 16), 0.53125, "Luck depends on k."),
            ],
            wrong_answers={
                "forgets luck": lambda rho, k: rho,
                "uniform over the others": lambda rho, k: rho + (1 - rho) / (k - 1),
                "only luck": lambda rho, k: 1 / k,
                "chance added": lambda rho, k: rho + 1 / k,
                "k fixed at eight": lambda rho, k: rho + (1 - rho) / 8,
                "product": lambda rho, k: rho * (1 - 1 / k),
            },
        ),
        Exercise(
            id="start-2",
            title="Erase the motion, keep the scenery",
            difficulty=1,
            minutes=5,
            task="To see what a network knows without motion, repeat one frame. Write "
            "`freeze(clip)`: a clip `(C, T, H, W)` in, the same shape out, every frame "
            "equal to the middle one (frame `T // 2`).",
            function="freeze",
            stub="def freeze(clip):\n    ...  # same shape as clip",
            solution="def freeze(clip):\n"
            "    middle = clip[:, clip.shape[1] // 2]\n"
            "    return middle[:, None].expand_as(clip)",
            hints=(
                "Take the frame first: which axis is time?",
                "`clip[:, t]` drops the time axis; `[:, None]` brings it back, "
                "`expand_as` repeats it without copying.",
            ),
            test=lambda freeze: _check_freeze(freeze),
            wrong_answers={
                "first frame": lambda c: c[:, :1].expand_as(c),
                "mean of the frames": lambda c: c.mean(1, keepdim=True).expand_as(c),
                "one frame only": lambda c: c[:, c.shape[1] // 2],
                "wrong axis": lambda c: c[:, :, c.shape[2] // 2, None].expand_as(c),
                "keeps one frame long": lambda c: c[:, c.shape[1] // 2, None],
                "reverses time": lambda c: c.flip(1),
            },
        ),
    ]
}


def _check_freeze(freeze) -> None:
    import torch

    clip = torch.arange(2 * 5 * 6 * 4.0).reshape(2, 5, 6, 4) ** 2
    out = freeze(clip)
    if out is None or out is Ellipsis:
        raise NotImplementedError
    if tuple(out.shape) != (2, 5, 6, 4):
        raise Wrong(f"the shape must stay (2, 5, 6, 4), it is {tuple(out.shape)}")
    if not torch.equal(out[:, 0], out[:, -1]):
        raise Wrong("the first and the last frame still differ: something moves")
    if not torch.equal(out[:, 0], clip[:, 2]):
        raise Wrong("every frame should be the middle one, frame T // 2")


def quiz():
    """The closing quiz."""
    from course.teaching import Question, Quiz

    return Quiz(
        [
            Question(
                "A network is 95 % right on test clips drawn like its training clips. "
                "What does that say about what it has learned of the action?",
                [
                    "It has learned the action",
                    "It has learned the scene",
                    "Little, if something else goes together with the action there too",
                ],
                2,
                "The test set repeats the training set's habits. Only a test that "
                "breaks them, such as swapped scenes, can tell the two apart.",
            ),
            Question(
                "Why does the test set with swapped scenes show the same actors as the "
                "ordinary one, item by item?",
                [
                    "So that the scene is the only thing that differs",
                    "To save rendering time",
                    "Because the network has seen them",
                ],
                0,
                "A paired comparison: whatever changes in the accuracy is due to the "
                "scene.",
            ),
            Question(
                "A fresh linear probe reads the scene from an untrained network's "
                "features with high accuracy. What follows?",
                [
                    "Random networks understand scenes",
                    "A probe's accuracy alone does not show that training made a "
                    "network depend on the scene",
                    "The probe is broken",
                ],
                1,
                "Colour and texture survive random filters. What is *decodable* and "
                "what is *used* are two questions; the swapped test asks the second.",
            ),
        ],
        "Three questions to take along",
    )
