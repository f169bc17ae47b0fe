from concurrent.futures import ThreadPoolExecutor

from functions.endpoint.faults import Fault, Faults


def test_a_script_is_taken_in_order_and_then_all_goes_well() -> None:
    faults = Faults([Fault(drop=True), None, Fault(score=2.0)])
    assert [faults.take() for _ in range(4)] == [Fault(drop=True), Fault(), Fault(score=2.0), Fault()]


def test_what_happens_afterwards_happens_for_ever() -> None:
    down = Fault(error="ServiceUnavailable")
    faults = Faults([None], afterwards=down)
    assert [faults.take() for _ in range(3)] == [Fault(), down, down]


def test_faults_can_be_pushed_while_the_server_runs() -> None:
    faults = Faults()
    faults.push(Fault(latency_ms=1), None)
    assert [faults.take() for _ in range(2)] == [Fault(latency_ms=1), Fault()]


def test_each_fault_is_taken_once_however_many_threads_ask() -> None:
    faults = Faults(Fault(score=float(number)) for number in range(200))
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: faults.take().score, range(200)))
    assert sorted(score for score in taken if score is not None) == [float(number) for number in range(200)]
