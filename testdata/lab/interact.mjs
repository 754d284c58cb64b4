// Does in a real JupyterLab or Notebook 7 what a person does beyond running
// cells: completes a name, interrupts a loop, restarts the kernel, saves and
// opens the notebook again. Each step leaves a screenshot.
//
//   node interact.mjs JUPYTER lab|notebook ROOT SCREENSHOT-STEM
import { idle, menu, save, session, until } from './page.mjs';
import { person } from './person.mjs';

await person([
  ['define', 'import (\n\t"fmt"\n\t"strings"\n)\n\nkept := 41'],
  ['complete', 'strings.Has'],
  ['loop', 'fmt.Println("looping")\nfor {\n}'],
  ['after', 'kept + 1'],
], async ({ page, server, path, nth, output, step, run }) => {
  await step('run', async () => {
    await run(0);
    // On a first run the kernel says that it builds its worker.
    const shown = (await output(0)).replace(/^building the Go worker.*$/m, '').trim();
    if (shown) throw new Error(`the first cell shows ${shown}`);
  });
  await step('complete', async () => {
    await nth(1).locator('.cm-content').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Tab');
    const box = page.locator('.jp-Completer:not(.lm-mod-hidden)');
    await box.waitFor({ timeout: 15_000 });
    const items = await box.locator('.jp-Completer-item').allInnerTexts();
    if (!items.some((t) => t.includes('HasPrefix'))) throw new Error(`offered: ${items.join(', ')}`);
  });
  await step('accept', async () => {
    await page.locator('.jp-Completer-item', { hasText: 'HasPrefix' }).first().click();
    await page.keyboard.type('("govle", "go")');
    const source = await nth(1).locator('.cm-content').innerText();
    if (!source.includes('strings.HasPrefix("govle", "go")')) throw new Error(`the cell holds ${source}`);
    await run(1);
    if (await output(1) !== 'true') throw new Error(`the cell shows ${await output(1)}`);
  });
  await step('inspect', async () => {
    await nth(1).locator('.cm-content').click();
    await page.keyboard.press('Home');
    for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+Tab');
    const tip = page.locator('.jp-Tooltip');
    await tip.waitFor({ timeout: 15_000 });
    const text = await tip.innerText();
    if (!text.includes('prefix')) throw new Error(`the tooltip says ${text}`);
  });
  await step('interrupt', async () => {
    await page.keyboard.press('Escape');
    await run(2, false);
    await until('the loop to run', 30, async () => (await output(2)).includes('looping'));
    const busy = await session(server, path);
    if (busy.kernel.execution_state !== 'busy') throw new Error(`the kernel is ${busy.kernel.execution_state}`);
    const begin = Date.now();
    await menu(page, 'Kernel', 'Interrupt Kernel');
    await idle(server, path, 20);
    console.log(`     idle ${Date.now() - begin} ms after the click`);
    await until('the error to be shown', 10, async () => /interrupt/i.test(await output(2)));
    await run(3);
    if (await output(3) !== '42') throw new Error(`the variable is lost: ${await output(3)}`);
  });
  await step('saved', async () => {
    const nb = await save(page, server, path);
    if (nb.cells[2].outputs.at(-1)?.output_type !== 'error') throw new Error('the error is not in the file');
    await page.reload();
    await page.locator('.jp-Notebook .jp-Cell').first().waitFor({ timeout: 60_000 });
    await until('the saved outputs', 20, async () => (await output(3)) === '42');
    await idle(server, path, 60);
  });
  await step('restart', async () => {
    const before = await session(server, path);
    await menu(page, 'Kernel', 'Restart Kernel…');
    await page.locator('.jp-Dialog .jp-mod-accept').click();
    await page.waitForTimeout(1500);
    const after = await idle(server, path, 60);
    if (after.kernel.id !== before.kernel.id) throw new Error('another kernel was started');
    await run(3);
    if (!(await output(3)).includes('undefined')) throw new Error(`the variable lived on: ${await output(3)}`);
    await run(0);
    await run(3);
    if (await output(3) !== '42') throw new Error(`after the restart the cell shows ${await output(3)}`);
  });
});
