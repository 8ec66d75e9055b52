//! Against hosts in memory, so that time can be paused; once against a real socket.

mod answers;
mod batch;
mod global;
mod hosts;
mod limits;
mod redirects;
mod world;

use self::world::{PUBLIC, World, picture, reply};
use super::FetchFault;

/// What fetching an address from the `world` comes to.
async fn fault(world: World, url: &str) -> Option<FetchFault> {
    world.open().0.fetch(url).await.err()
}
