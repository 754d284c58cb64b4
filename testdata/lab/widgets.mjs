// Shows widgets in a real JupyterLab or Notebook 7 and uses them as a person
// does: a slider is moved, a button clicked, a progress bar runs while a cell
// does, a saved notebook is opened again without its kernel's help.
//
//   node widgets.mjs JUPYTER lab|notebook ROOT SCREENSHOT-STEM
import { idle, menu, save, until } from './page.mjs';
import { person } from './person.mjs';

await person([
  ['make', `import (
	"fmt"
	"time"

	"govle/kernel/widget"
)

gain := widget.NewIntSlider(0, 100, 50).Describe("gain")
clicks := 0
heard := widget.NewHTML("nothing heard")
button := widget.NewButton("Click me")
gain.OnChange(func(v int) { heard.Set(fmt.Sprint("gain is ", v)) })
button.OnClick(func(*widget.Button) { clicks++; heard.Set(fmt.Sprint("clicks: ", clicks)) })
widget.NewVBox(gain, button, heard)`],
  ['progress', `bar := widget.NewFloatProgress(20).Describe("training")
Display(bar)
for i := range 21 {
	bar.SetValue(float64(i))
	time.Sleep(100 * time.Millisecond)
}`],
  ['value', 'gain.Value()'],
], async ({ page, server, app, path, stem, nth, done, step, run }) => {
  const hears = (text) => until(`the page to say "${text}"`, 15, async () =>
    (await nth(0).locator('.widget-html-content').first().innerText()).includes(text));
  await step('shown', async () => {
    await run(0);
    await nth(0).locator('.widget-slider').waitFor({ timeout: 20_000 });
    await hears('nothing heard');
  });
  await step('slider', async () => {
    if (app === 'lab') { // Notebook 7 keeps the arrow keys for its cells
      await nth(0).locator('.noUi-handle').focus();
      for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
      await hears('gain is 55');
    }
    const box = await nth(0).locator('.noUi-base').boundingBox();
    await page.mouse.move(box.x + box.width * (app === 'lab' ? 0.55 : 0.5), box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + box.height / 2, { steps: 8 });
    await page.mouse.up();
    await until('a gain of about 80', 15, async () => {
      const m = /gain is (\d+)/.exec(await nth(0).locator('.widget-html-content').first().innerText());
      return m && Math.abs(m[1] - 80) <= 3;
    });
  });
  await step('button', async () => {
    await nth(0).locator('button.widget-button').click();
    await nth(0).locator('button.widget-button').click();
    await hears('clicks: 2');
  });
  await step('progress', async () => {
    await run(1, false);
    const bar = nth(1).locator('.progress-bar');
    await bar.waitFor({ timeout: 30_000 });
    const width = async () => (await bar.boundingBox())?.width ?? 0;
    const early = await until('the bar to move', 20, async () => (await width()) > 5 && width());
    await page.screenshot({ path: `${stem}-half.png` });
    // A click is heard while the cell runs.
    await nth(0).locator('button.widget-button').click();
    await hears('clicks: 3');
    await done(1);
    const late = await width();
    if (late <= early) throw new Error(`the bar went from ${early} to ${late} pixels`);
  });
  await step('value', async () => {
    await run(2);
    const shown = Number((await nth(2).locator('.jp-OutputArea-output').innerText()).trim());
    if (Math.abs(shown - 80) > 3) throw new Error(`the slider's value in Go is ${shown}`);
    // The cells that ended have had the widgets drawn anew, with their plain form beside.
    const sliders = await nth(0).locator('.widget-slider').count();
    if (sliders !== 1) throw new Error(`${sliders} sliders are there`);
    await nth(0).locator('button.widget-button').click();
    await hears('clicks: 4');
  });
  await step('saved', async () => {
    const nb = await save(page, server, path);
    const data = nb.cells[0].outputs.at(-1)?.data ?? {};
    const html = [data['text/html'] ?? ''].flat().join('');
    if (!html.includes('clicks: 3')) throw new Error(`the saved form is not what the last cell left: ${Object.keys(data)}: ${html}`);
  });
  await step('reloaded', async () => {
    // The page has forgotten everything; the kernel tells it what the widgets hold.
    await page.reload();
    await page.locator('.jp-Notebook .jp-Cell').first().waitFor({ timeout: 60_000 });
    await idle(server, path, 60);
    await nth(0).locator('.widget-slider').waitFor({ timeout: 30_000 });
    await hears('clicks: 4');
    const gain = Number(await nth(0).locator('.widget-readout').first().innerText());
    if (Math.abs(gain - 80) > 3) throw new Error(`the slider stands at ${gain}`);
    await nth(0).locator('button.widget-button').click();
    await hears('clicks: 5');
  });
  await step('ended', async () => {
    // Without its kernel a widget becomes the form that needs none, as it stood.
    await run(0);
    await run(1);
    await nth(0).locator('button.widget-button').click();
    await hears('clicks: 1');
    await menu(page, 'Kernel', 'Shut Down Kernel');
    await until('the static form', 15, async () =>
      (await nth(0).locator('input[type=range]').count()) === 1 && (await nth(0).locator('.widget-slider').count()) === 0);
    const nb = await save(page, server, path);
    const data = nb.cells[0].outputs.at(-1)?.data ?? {};
    const html = [data['text/html'] ?? ''].flat().join('');
    if ('application/vnd.jupyter.widget-view+json' in data || !html.includes('clicks: 1')) {
      throw new Error(`saved are ${Object.keys(data)}: ${html}`);
    }
    const bar = [nb.cells[1].outputs.at(-1)?.data?.['text/html'] ?? ''].flat().join('');
    if (!bar.includes('100%')) throw new Error(`the bar is saved as ${bar}`);
  });
});
