// A person at a notebook: makes one from cells, opens it in JupyterLab or Notebook
// 7, and goes through steps, each of which leaves a screenshot.
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { browser, idle, open, until } from './page.mjs';
import { start } from './server.mjs';

// person reads the arguments JUPYTER lab|notebook ROOT SCREENSHOT-STEM, opens a
// notebook of the given cells ([id, source] each) and calls act with what a person
// has: the page and the server, the notebook's path, the cells, step and run. It
// ends the program, with status 1 when a step failed.
export async function person(cells, act) {
  const [jupyter, app, root, stem] = process.argv.slice(2);
  const program = basename(process.argv[1]);
  if (!stem) {
    console.error(`usage: ${program} JUPYTER lab|notebook ROOT SCREENSHOT-STEM`);
    process.exit(2);
  }
  const path = program.replace(/mjs$/, 'ipynb');
  await writeFile(join(root, path), JSON.stringify({
    nbformat: 4, nbformat_minor: 5,
    metadata: { kernelspec: { name: 'govle', display_name: 'Go (govle)', language: 'go' } },
    cells: cells.map(([id, source]) => ({
      cell_type: 'code', id, metadata: {}, execution_count: null, outputs: [], source,
    })),
  }));
  const server = await start(jupyter, app, root);
  const chrome = await browser(process.env.CHROMIUM ?? '/usr/bin/chromium');
  const failures = [];
  try {
    const page = await open(chrome.context, server, app, path);
    const nth = (i) => page.locator('.jp-Notebook .jp-CodeCell').nth(i);
    const prompt = async (i) => (await nth(i).locator('.jp-InputPrompt').first().textContent()).trim();
    const done = (i, seconds = 60) => until(`cell ${i + 1} to be done`, seconds, async () => /\d/.test(await prompt(i)));
    await act({
      page, server, app, path, stem, nth, done,
      output: async (i) => (await nth(i).locator('.jp-OutputArea-output').allInnerTexts()).join('\n').trim(),

      // step runs one part; a failure is told and the next part still runs.
      async step(name, part) {
        try {
          await part();
          console.log(`ok   ${name}`);
        } catch (e) {
          failures.push(`${name}: ${e.message}`);
          console.log(`FAIL ${name}: ${e.message}`);
        }
        await page.screenshot({ path: `${stem}-${name}.png` }).catch(() => {});
      },

      // run runs a cell and, unless told not to, waits until it is done.
      async run(i, wait = true) {
        await nth(i).locator('.cm-content').click();
        await page.keyboard.press('Control+Enter');
        if (!wait) return;
        await done(i, 90);
        await idle(server, path, 60);
      },
    });
  } catch (e) {
    failures.push(e.message, server.log().slice(-2000));
  } finally {
    await chrome.close();
    await server.stop();
  }
  for (const f of failures) console.error(`FAIL ${f}`);
  process.exit(failures.length ? 1 : 0);
}
