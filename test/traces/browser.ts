/** Debian's Chromium, driven by Playwright. */
import { type Browser, chromium, type Page } from "playwright-core";
import { hasComponent } from "../components.ts";

const PROGRAM = "/usr/bin/chromium";
/** Disables requests other than those of the opened pages. */
const ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];

/** Whether Chromium is installed. If not, prints how to install it. */
export function hasBrowser(): boolean {
  return hasComponent("chromium", "install it (Debian: apt-get install chromium)");
}

/** A page of this size in pixels, in a separate browser with an empty profile. */
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
