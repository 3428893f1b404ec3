"""One loaded model, many threads."""

from concurrent.futures import ThreadPoolExecutor

import henkan


def test_sixteen_threads_have_the_answers_of_one(folder, words):
    """Small requests, large ones that start threads of their own, beams and confidences, all at once."""
    model = henkan.load(folder)
    sources = words[0] * 30
    requests = [
        lambda: model.predict(sources[:5]),
        lambda: model.predict(sources),
        lambda: model.predict(sources[:40], beam=3),
        lambda: model.convert(sources[:40], confidence=True),
        lambda: model.log_probability(sources[:40], sources[:40]),
    ]
    alone = [request() for request in requests]
    with ThreadPoolExecutor(16) as pool:
        together = [pool.submit(request) for _ in range(16) for request in requests]
        for number, answer in enumerate(together):
            assert answer.result() == alone[number % len(requests)]
