// Runs the parts that are named, or all, with one browser.
import { SHOP, closeChrome, closing, counted, send } from "./lib.mjs";

const parts = ["journey", "security", "audit", "pictures", "offline", "ease"];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : parts;
const begun = Date.now();
// Until it has come to its end.
process.exitCode = 1;

try {
  await send("GET", "/v1/health");
} catch (error) {
  console.error(`${SHOP} does not answer (${error.code ?? error.message}): set BOZOR_URL`);
  process.exit(2);
}
try {
  for (const name of wanted) {
    const part = await import(`./${name}.mjs`);
    await part.default();
  }
} catch (error) {
  counted.failed += 1;
  console.error(error);
} finally {
  await closeChrome();
}
console.log(`${((Date.now() - begun) / 1000).toFixed(0)} s`);
for (const what of counted.leftOut) console.log(`left out: ${what}`);
closing();
