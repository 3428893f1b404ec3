import numpy as np
import pytest

from henkan_experiments.probes import classify, mean_and_error, ridge, share_explained


@pytest.fixture
def generator():
    return np.random.default_rng(7)


def test_probe_finds_a_linear_code_and_not_shuffled_labels(generator):
    digits = generator.integers(0, 10, 3000)
    directions = generator.normal(size=(10, 24))
    features = directions[digits] + 0.1 * generator.normal(size=(3000, 24))
    train, others = (features[:2000], digits[:2000]), features[2000:]
    assert (classify(train, others) == digits[2000:]).all()
    shuffled = [(features[:2000], generator.permutation(digits[:2000])) for _ in range(50)]
    right = [(classify(each, others) == digits[2000:]).mean() for each in shuffled]
    assert np.mean(right) == pytest.approx(0.1, abs=0.03)


def test_collinear_classes_do_not_mask_each_other(generator):
    digits = generator.integers(0, 10, 2000)
    features = digits[:, None] + 0.1 * generator.normal(size=(2000, 1))
    assert (classify((features[:1000], digits[:1000]), features[1000:]) == digits[1000:]).mean() > 0.99


def test_absent_classes_are_never_predicted(generator):
    labels = generator.choice([3, 8], 50)
    assert set(classify((generator.normal(size=(50, 4)), labels), generator.normal(size=(50, 4)))) <= {3, 8}


def test_ridge_solves_its_normal_equations(generator):
    X, Y = generator.normal(size=(40, 3)), generator.normal(size=(40, 2))
    predict = ridge(X, Y, penalty=0.2)
    centred, mean = X - X.mean(axis=0), Y.mean(axis=0)
    W = np.array([predict(row[None] + X.mean(axis=0))[0] - mean for row in np.eye(3)])
    weight = 0.2 * np.trace(centred.T @ centred) / 3
    np.testing.assert_allclose(centred.T @ (centred @ W - (Y - mean)) + weight * W, 0, atol=1e-10)


def test_explained_share_of_synthetic_data(generator):
    kept, lost = generator.normal(size=(2, 4000, 6))
    wanted = np.sqrt(0.7) * kept + np.sqrt(0.3) * lost
    share, error = share_explained((kept[:2000], wanted[:2000]), (kept[2000:], wanted[2000:]))
    assert share == pytest.approx(0.7, abs=0.02)
    assert 0 < error < 0.02


def test_standard_error_matches_the_variation_over_samples(generator):
    shares = []
    for _ in range(200):
        features = generator.normal(size=(600, 2))
        wanted = features + generator.normal(size=(600, 2))
        shares.append(share_explained((features[:400], wanted[:400]), (features[400:], wanted[400:])))
    values, errors = np.array(shares).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.2)


@pytest.mark.parametrize("features", [np.zeros((20, 3)), np.zeros((20, 0))], ids=["constant", "none"])
def test_uninformative_features_explain_nothing(features, generator):
    wanted = generator.normal(size=(20, 2))
    assert share_explained((features, wanted), (features, wanted)) == (pytest.approx(0), pytest.approx(0))


def test_constant_targets_have_nothing_to_explain():
    assert share_explained((np.eye(4), np.ones((4, 2))), (np.eye(4), np.ones((4, 2)))) == (0, 0)


def test_mean_and_error():
    assert mean_and_error(np.array([1.0, 3.0])) == (2, 1)
    assert mean_and_error(np.array([5.0])) == (5, 0)
    assert mean_and_error(np.array([])) == (0, 0)
