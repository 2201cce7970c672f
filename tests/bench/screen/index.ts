import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findOrGetBrowser, HOW_TO_GET_ONE } from '../../../scripts/find-browser.mjs';
import { root } from '../labs.ts';
import type { Skipped } from '../report.ts';
import { type DeskReport, measureDesk } from './desk.ts';
import { startLab } from './lab-process.ts';
import { measureWatchers, type WatchersReport } from './watchers.ts';

export interface ScreenReport {
  readonly desk: DeskReport | Skipped;
  readonly watchers: WatchersReport;
}

/** What a learner waits for, and what many pages cost. The site must have been built. */
export async function measureScreen(seconds: number): Promise<ScreenReport | Skipped> {
  if (!existsSync(join(root, 'dist', 'index.html'))) return { skipped: 'the site is not built: npm run build' };
  const lab = await startLab();
  try {
    const browser = findOrGetBrowser();
    const desk = browser ? await measureDesk(lab.url, browser) : { skipped: HOW_TO_GET_ONE };
    // A busy machine manages less than it is asked for; the report says what was told.
    const how = { browsers: 50, perSecond: 1400, seconds: Math.max(5, seconds) };
    return { desk, watchers: await measureWatchers({ url: lab.url, pid: lab.child.pid ?? 0 }, how) };
  } finally {
    await lab.stop();
  }
}
