/** Debian's Chromium, driven by Playwright. */
import { type Browser, chromium, type Page } from "playwright-core";
import { hasComponent } from "../components.ts";

const PROGRAM = "/usr/bin/chromium";
/** It calls nobody but the pages that it is shown. */
const ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];

/** Whether there is one; where there is none, a line says how to get it. */
export function hasBrowser(): boolean {
  return hasComponent("chromium", "install it (Debian: apt-get install chromium)");
}

/** A page in a browser of its own, with an empty profile, which is wide and high so many pixels. */
export async function openPage(url: string, width: number, height: number): Promise<{ page: Page; browser: Browser }> {
  const browser = await chromium.launch({ executablePath: PROGRAM, args: ARGS });
  try {
    const page = await browser.newPage({ viewport: { width, height } });
    await page.goto(url);
    return { page, browser };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
