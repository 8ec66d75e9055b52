//! What a stop leaves for the next start.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_during_a_backoff_and_the_record_is_there_at_the_next_start() {
    let endpoint = endpoint();
    for key in ["a", "b"] {
        put(&endpoint, key, "event").await;
    }
    let (tried, mut attempts) = mpsc::unbounded_channel();
    let down = move |bodies: Vec<String>| {
        tried.send(keys(&bodies)).unwrap();
        async { Err::<Vec<usize>, _>("down".to_owned()) }
    };
    let slow_to_retry = Source { backoff: Duration::from_secs(10), retries: None, ..source(&[]) };
    let pipe = to_queue(&endpoint, slow_to_retry, Arc::new(down), None, clock()).unwrap();
    // The batch, then the first of its halves; after that the backoff begins.
    assert_eq!(attempts.recv().await.unwrap(), ["a", "b"]);
    assert_eq!(attempts.recv().await.unwrap(), ["a"]);
    let told = tokio::time::Instant::now();
    pipe.stop(BOUND).await;
    assert_eq!(told.elapsed(), Duration::ZERO);
    let (sink, mut queue) = channel();
    let _pipe = to_queue(&endpoint, source(&[]), sink, None, clock()).unwrap();
    assert_eq!(keys(&queue.recv().await.unwrap()), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_while_dead_letters_cannot_be_sent() {
    let endpoint = endpoint();
    put(&endpoint, "a", "event").await;
    let (sink, _queue) = refusing(&["a"]);
    let (tried, mut attempts) = mpsc::unbounded_channel();
    let full = move |_: Vec<String>| {
        tried.send(()).unwrap();
        async { Ok(vec![0]) }
    };
    let once = Source { retries: Some(0), backoff: Duration::from_secs(10), ..source(&[]) };
    let pipe = to_queue(&endpoint, once, sink, Some(Arc::new(full)), clock()).unwrap();
    attempts.recv().await.unwrap();
    let told = tokio::time::Instant::now();
    pipe.stop(BOUND).await;
    assert_eq!(told.elapsed(), Duration::ZERO);
    let (sink, mut queue) = channel();
    let _pipe = to_queue(&endpoint, source(&[]), sink, None, clock()).unwrap();
    assert_eq!(keys(&queue.recv().await.unwrap()), ["a"], "nothing is lost without a dead letter");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_hangs_is_abandoned_at_the_bound_and_repeated_after_the_next_start() {
    let endpoint = endpoint();
    put(&endpoint, "a", "stock").await;
    let (reached, mut invoked) = mpsc::unbounded_channel();
    let hangs = move |_: Value| {
        reached.send(()).unwrap();
        std::future::pending::<Result<Value, String>>()
    };
    let running = to_function(&endpoint, source(&[]), Arc::new(hangs), None, clock()).unwrap();
    invoked.recv().await.unwrap();
    let told = tokio::time::Instant::now();
    running.stop(Duration::from_secs(4)).await;
    assert_eq!(told.elapsed(), Duration::from_secs(4));
    let (handler, mut invoked) = failing_on(&[]);
    let _running = to_function(&endpoint, source(&[]), handler, None, clock()).unwrap();
    assert_eq!(invoked.recv().await.unwrap(), ["a"]);
}
