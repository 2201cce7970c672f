import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { LabPage } from './support/lab-page.ts';
import { expect, test } from './support/lab-server.ts';

const KB = 1024;
const READING_KB = 50;
const SHELL_KB = 125;

/** Adds up what the scripts weigh that a page loads, as a server that compresses would send them. */
function weigh(page: Page): { kb: () => Promise<number>; names: () => string[] } {
  const bodies: Promise<number>[] = [];
  const names: string[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    names.push(new URL(response.url()).pathname);
    bodies.push(response.body().then((body) => gzipSync(body).length));
  });
  return {
    kb: async () => (await Promise.all(bodies)).reduce((sum, bytes) => sum + bytes, 0) / KB,
    names: () => names,
  };
}

test(`pages to read carry at most ${READING_KB} KB of script, compressed, and no part of editor or terminal`, async ({
  page,
}) => {
  for (const place of ['/', '/days/', '/days/9/', '/words/', '/words/subset/', '/lab/']) {
    const scripts = weigh(page);
    await page.goto(place);
    await page.waitForLoadState('networkidle');
    expect(await scripts.kb(), place).toBeLessThanOrEqual(READING_KB);
    expect(
      scripts.names().filter((name) => /monaco|xterm/i.test(name)),
      place,
    ).toEqual([]);
  }
});

test(`the lab works with at most ${SHELL_KB} KB of script, compressed, before editor and terminal`, async ({
  page,
}) => {
  // On a phone the plain field is the editor, and the terminal comes when it is asked for: what is loaded is the shell.
  await page.setViewportSize({ width: 390, height: 844 });
  const scripts = weigh(page);
  await page.goto('/lab/canary/?panel=dock');
  const lab = new LabPage(page);
  await lab.runs();
  await expect(lab.rows.first()).toBeVisible();
  const kb = await scripts.kb();
  console.info(`shell of the lab: ${kb.toFixed(1)} KB of script, compressed`);
  expect(kb).toBeLessThanOrEqual(SHELL_KB);
  expect(scripts.names().filter((name) => /monaco|xterm/i.test(name))).toEqual([]);
});
