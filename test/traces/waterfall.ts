/** The spans of the trace that is open in MLflow's page. */
import type { Locator, Page } from "playwright-core";

/** Where the mouse drops the border between the panes for a picture, in pixels from the left of the page. */
const BORDER_X = 620;

/** The pane of the open trace that shows its spans. The other pane shows the details of one span. */
export function spansPane(page: Page): Locator {
  return page.getByText("Spans", { exact: true }).first().locator("xpath=../..");
}

/** Writes a picture of the open trace as a waterfall, in a page resized to this width and height. */
export async function takePicture(page: Page, path: string, width: number, height: number): Promise<void> {
  await page.getByRole("button", { name: "Show execution timeline" }).click();
  // Moves the border between the panes to the right.
  const pane = (await spansPane(page).boundingBox())!;
  await page.mouse.move(pane.x + pane.width, pane.y + 300);
  await page.mouse.down();
  await page.mouse.move(BORDER_X, pane.y + 300, { steps: 10 });
  await page.mouse.up();
  await page.setViewportSize({ width, height });
  // Waits for animations to end.
  await page.waitForTimeout(1000);
  await page.screenshot({ path });
}
