// Pictures of every component and of whole pages, in both colour schemes, on three screens, in the two languages whose
// letters differ most: for whoever changes the sheet to look at.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LANGUAGES, SHOP, closeChrome, equal, person } from "./lib.mjs";

const OUT = fileURLToPath(new URL("./out/shots/", import.meta.url));
const PAGES = ["", "/home", "/list", "/product", "/sold-out", "/missing"];
const SHOWN_IN = ["uz-cyrl", "zh"];
const WIDTHS = [320, 768, 1280];

mkdirSync(OUT, { recursive: true });
let shots = 0;
try {
  for (const language of SHOWN_IN) {
    for (const scheme of ["light", "dark"]) {
      const who = await person({ locale: LANGUAGES[language], scheme });
      for (const width of WIDTHS) {
        await who.page.setViewportSize({ width, height: 800 });
        for (const path of PAGES) {
          const at = `/_local/pages${path}?language=${language}`;
          const response = await who.page.goto(at, { waitUntil: "networkidle" });
          equal(response.status(), 200, at);
          // Pictures below the screen wait until somebody comes to them.
          await who.page.evaluate(() => Promise.all([...document.images].map((image) => {
            image.loading = "eager";
            return image.decode().catch(() => {});
          })));
          const name = `${path.slice(1) || "components"}-${language}-${scheme}-${width}.png`;
          await who.page.screenshot({ path: OUT + name, fullPage: true });
          shots += 1;
        }
      }
      await who.close();
    }
  }
} finally {
  await closeChrome();
}
console.log(`${shots} pictures of ${SHOP} in ${OUT}`);
