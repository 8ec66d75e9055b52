// In the place of the worker when it is switched off: gives up what was kept, and itself.
addEventListener("install", () => self.skipWaiting());
addEventListener("activate", (event) => {
  const work = async () => {
    for (const name of await caches.keys()) await caches.delete(name);
    await self.registration.unregister();
  };
  event.waitUntil(work());
});
