// A page of JupyterLab or Notebook 7 with one notebook open, in headless
// Chromium, and the things a person does there.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

export const flags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

// browser starts Chromium with a profile of its own; close removes that too.
export async function browser(executablePath) {
  const profile = await mkdtemp(join(tmpdir(), 'govle-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath, args: flags, viewport: { width: 1280, height: 1400 },
  });
  return {
    context,
    async close() {
      await context.close().catch(() => {});
      await rm(profile, { recursive: true, force: true });
    },
  };
}

// until calls probe every 300 ms until it gives something true.
export async function until(what, seconds, probe) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try { last = await probe(); if (last) return last; } catch (e) { last = e; }
    await sleep(300);
  }
  throw new Error(`waited ${seconds} s for ${what}${last instanceof Error ? `: ${last.message}` : ''}`);
}

// open opens a notebook (path below the server's root) and waits until its
// kernel is idle by the server's word: the page says "idle" before there is a
// kernel at all.
export async function open(context, server, app, path) {
  const page = await context.newPage();
  const view = app === 'notebook' ? 'notebooks' : 'lab/tree';
  await page.goto(`${server.url}/${view}/${path}?token=${server.token}`);
  await page.locator('.jp-Notebook .jp-Cell').first().waitFor({ timeout: 60_000 });
  await idle(server, path, 90);
  await until('the page to see the kernel', 30, async () => (await page.locator('.jp-Dialog').count()) === 0);
  if (app === 'lab') await page.keyboard.press('Control+b'); // the file browser goes
  return page;
}

// session is the server's view of the notebook's kernel.
export async function session(server, path) {
  return (await server.api('sessions')).find((s) => s.path === path);
}

export async function idle(server, path, seconds) {
  return until(`the kernel of ${path} to be idle`, seconds, async () => {
    const s = await session(server, path);
    return s?.kernel?.execution_state === 'idle' && s;
  });
}

// menu clicks through the menus as a person does.
export async function menu(page, ...names) {
  await page.locator('.jp-MenuBar, #jp-MainMenu, .lm-MenuBar').first()
    .getByRole('menuitem', { name: names[0], exact: true }).click();
  for (const name of names.slice(1)) {
    await page.locator('.lm-Menu').getByText(name, { exact: true }).click();
  }
}

// runAll runs all cells and waits until none is waiting any more.
export async function runAll(page, server, path, seconds) {
  await menu(page, 'Run', 'Run All Cells');
  await sleep(500);
  await until('all cells to be done', seconds, async () => {
    const prompts = await page.locator('.jp-CodeCell .jp-InputPrompt').allTextContents();
    return !prompts.some((p) => p.includes('*')) && prompts.some((p) => /\d/.test(p));
  });
  await idle(server, path, seconds);
}

// save saves and returns the notebook as the server has it then.
export async function save(page, server, path) {
  const before = (await server.api(`contents/${path}?content=0`)).last_modified;
  await page.keyboard.press('Control+s');
  await until('the notebook to be saved', 20, async () =>
    (await server.api(`contents/${path}?content=0`)).last_modified !== before);
  return (await server.api(`contents/${path}?content=1`)).content;
}

// photograph takes the notebook in screenfuls and returns the files.
export async function photograph(page, stem) {
  const panel = page.locator('.jp-WindowedPanel-outer').first();
  const files = [];
  await panel.evaluate((e) => { e.scrollTop = 0; });
  for (let i = 1; i <= 8; i++) {
    await sleep(700);
    const file = `${stem}-${i}.png`;
    await page.screenshot({ path: file });
    files.push(file);
    const more = await panel.evaluate((e) => {
      const before = e.scrollTop;
      e.scrollTop += e.clientHeight - 60;
      return e.scrollTop > before + 5;
    });
    if (!more) break;
  }
  return files;
}
