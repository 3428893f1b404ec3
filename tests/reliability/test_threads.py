"""A loaded model can be used by many threads."""

from concurrent.futures import ThreadPoolExecutor

import henkan


def test_sixteen_threads_get_the_same_predictions_as_one(folder, words):
    """Concurrent small and large requests (these start further threads), beam search, confidences and scores."""
    model = henkan.load(folder)
    sources = words[0] * 30
    requests = [
        lambda: model.predict(sources[:5]),
        lambda: model.predict(sources),
        lambda: model.predict(sources[:40], beam=3),
        lambda: model.convert(sources[:40], confidence=True),
        lambda: model.log_probability(sources[:40], sources[:40]),
    ]
    expected = [request() for request in requests]
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(request) for _ in range(16) for request in requests]
        for number, future in enumerate(futures):
            assert future.result() == expected[number % len(requests)]
