// Opens a notebook in a real JupyterLab or Notebook 7, runs all cells, saves,
// and checks that every code cell ran without error and that pictures appear.
//
//   node run_notebook.mjs JUPYTER lab|notebook ROOT NOTEBOOK SCREENSHOT-STEM
import { browser, open, photograph, runAll, save } from './page.mjs';
import { start } from './server.mjs';

const [jupyter, app, root, path, stem] = process.argv.slice(2);
if (!stem) {
  console.error('usage: run_notebook.mjs JUPYTER lab|notebook ROOT NOTEBOOK SCREENSHOT-STEM');
  process.exit(2);
}
const server = await start(jupyter, app, root);
const chrome = await browser(process.env.CHROMIUM ?? '/usr/bin/chromium');
let failures = [];
try {
  const page = await open(chrome.context, server, app, path);
  await runAll(page, server, path, 240);
  const nb = await save(page, server, path);
  const code = nb.cells.filter((c) => c.cell_type === 'code' && c.source.trim() !== '');
  const outputs = code.flatMap((c) => c.outputs);
  code.forEach((c, i) => {
    if (!c.execution_count) failures.push(`code cell ${i + 1} was not run`);
    for (const o of c.outputs) {
      if (o.output_type === 'error') failures.push(`code cell ${i + 1}: ${o.ename}: ${o.evalue}`);
    }
  });
  const pictures = outputs.filter((o) => Object.keys(o.data ?? {}).some((m) => m.startsWith('image/')));
  if (pictures.length === 0) failures.push('no output holds a picture');
  const files = await photograph(page, stem);
  // The page shows what the file holds: at least one picture that has loaded.
  await page.locator('.jp-WindowedPanel-outer').first().evaluate((e) => { e.scrollTop = 0; });
  const seen = new Set();
  for (let i = 0; i < 12; i++) {
    const found = await page.locator('.jp-OutputArea-output').evaluateAll((all) => all.flatMap((e) => [
      ...[...e.querySelectorAll('img')].filter((x) => x.complete && x.naturalWidth > 0).map((x) => x.src.slice(0, 200) + x.src.length),
      ...[...e.querySelectorAll('svg')].filter((x) => x.getBoundingClientRect().width > 20).map((x) => x.outerHTML.length),
    ]));
    found.forEach((f) => seen.add(f));
    await page.locator('.jp-WindowedPanel-outer').first().evaluate((e) => { e.scrollTop += e.clientHeight / 2; });
    await page.waitForTimeout(200);
  }
  if (pictures.length > 0 && seen.size === 0) failures.push('the page shows no picture');
  console.log(`${app}: ${code.length} code cells ran, ${pictures.length} outputs with pictures, ${seen.size} pictures seen, ${files.length} screenshots`);
} catch (e) {
  failures.push(e.message);
  const pages = chrome.context.pages();
  if (pages.length) await pages[pages.length - 1].screenshot({ path: `${stem}-failed.png` }).catch(() => {});
  failures.push(server.log().slice(-2000));
} finally {
  await chrome.close();
  await server.stop();
}
for (const f of failures) console.error(`FAIL ${f}`);
process.exit(failures.length ? 1 : 0);
