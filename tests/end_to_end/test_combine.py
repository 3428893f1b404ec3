def test_models_to_combine_are_different(refused, folder):
    assert "at least two models are needed for an ensemble, not 1; train another" in refused(
        "combine", folder, "--out", "e"
    )
    assert "model 2 is the same as model 1; give each model only once" in refused(
        "combine", folder, f"{folder}/../model", "--out", "e"
    )
