// Plays what people do, in a real browser, step by step.
import { LANGUAGES, alone, leftOut, offered } from "./lib.mjs";
import { accountRoad } from "./account.mjs";
import { cameraRoad, operatorRoad, vendorRoad } from "./desk.mjs";
import { cardRoad, guestRoad, languagesRoad, quantitiesRoad, soldOutRoad } from "./guest.mjs";
import { columnsRoad, importRoad } from "./imports.mjs";
import { keyboardRoad } from "./keyboard.mjs";

export default async function journey() {
  const has = await offered();
  await guestRoad({ scripts: false, language: "uz", width: 320, height: 640, byPhone: false });
  await guestRoad({ scripts: true, language: "ru", width: 390, height: 844, byPhone: true });
  for (const language of ["uz-cyrl", "en", "zh"]) {
    await guestRoad({ scripts: false, language, width: 320, height: 640, byPhone: false });
  }
  await cardRoad({ scripts: false, language: "uz" });
  await cardRoad({ scripts: true, language: "en" });
  await soldOutRoad();
  await quantitiesRoad();
  await keyboardRoad({ scripts: true, language: "en", width: 1280, byCard: false });
  for (const language of Object.keys(LANGUAGES)) {
    await keyboardRoad({ scripts: false, language, width: 320, byCard: true });
  }
  await languagesRoad();
  if (has.account) {
    await accountRoad({ scripts: true, language: "en" });
    await accountRoad({ scripts: false, language: "uz" });
  } else {
    leftOut("signing up, signing in and out, another password: /en/sign-in is not there");
  }
  if (has.account && has.desk) {
    for (const scripts of [false, true]) {
      await vendorRoad({ scripts });
      await importRoad({ scripts });
      await columnsRoad({ scripts });
    }
    await cameraRoad();
  } else {
    leftOut("a seller's products, files and orders: /desk is not there");
  }
  if (has.account && has.desk && has.operate) {
    for (const scripts of [false, true]) await operatorRoad({ scripts });
  } else {
    leftOut("approving a shop, refunding: /operate is not there");
  }
}

await alone(import.meta, journey);
