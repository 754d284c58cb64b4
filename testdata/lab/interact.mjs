// Does in a real JupyterLab or Notebook 7 what a person does beyond running
// cells: completes a name, interrupts a loop, restarts the kernel, saves and
// opens the notebook again. Each step leaves a screenshot.
//
//   node interact.mjs JUPYTER lab|notebook ROOT SCREENSHOT-STEM
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { browser, idle, menu, open, save, session, until } from './page.mjs';
import { start } from './server.mjs';

const [jupyter, app, root, stem] = process.argv.slice(2);
if (!stem) {
  console.error('usage: interact.mjs JUPYTER lab|notebook ROOT SCREENSHOT-STEM');
  process.exit(2);
}
const path = 'interact.ipynb';
const cell = (id, source) => ({
  cell_type: 'code', id, metadata: {}, execution_count: null, outputs: [], source,
});
await writeFile(join(root, path), JSON.stringify({
  nbformat: 4, nbformat_minor: 5,
  metadata: { kernelspec: { name: 'govle', display_name: 'Go (govle)', language: 'go' } },
  cells: [
    cell('define', 'import (\n\t"fmt"\n\t"strings"\n)\n\nkept := 41'),
    cell('complete', 'strings.Has'),
    cell('loop', 'fmt.Println("looping")\nfor {\n}'),
    cell('after', 'kept + 1'),
  ],
}));

const server = await start(jupyter, app, root);
const chrome = await browser(process.env.CHROMIUM ?? '/usr/bin/chromium');
const failures = [];
let page;

// step runs one part; a failure is told and the next part still runs.
async function step(name, f) {
  try {
    await f();
    console.log(`ok   ${name}`);
  } catch (e) {
    failures.push(`${name}: ${e.message}`);
    console.log(`FAIL ${name}: ${e.message}`);
  }
  await page.screenshot({ path: `${stem}-${name}.png` }).catch(() => {});
}

const nth = (i) => page.locator('.jp-Notebook .jp-CodeCell').nth(i);
const prompt = async (i) => (await nth(i).locator('.jp-InputPrompt').first().textContent()).trim();
const output = async (i) => (await nth(i).locator('.jp-OutputArea-output').allInnerTexts()).join('\n').trim();

async function run(i, seconds = 60) {
  await nth(i).locator('.cm-content').click();
  await page.keyboard.press('Control+Enter');
  if (seconds) {
    await until(`cell ${i + 1} to be done`, seconds, async () => /\d/.test(await prompt(i)));
    await idle(server, path, seconds);
  }
}

try {
  page = await open(chrome.context, server, app, path);
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
    await run(2, 0);
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
} catch (e) {
  failures.push(e.message, server.log().slice(-2000));
} finally {
  await chrome.close();
  await server.stop();
}
for (const f of failures) console.error(`FAIL ${f}`);
process.exit(failures.length ? 1 : 0);
