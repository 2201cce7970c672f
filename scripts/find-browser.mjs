// Finds a Chromium: one named by CHROMIUM_PATH, one installed on the system, or Playwright's own download.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pinnedNode, pinnedPath, root } from './node.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

function runs(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (error.code) return false;
    throw error;
  }
}

/** Path of a Chromium, or undefined. */
function findBrowser() {
  const named = process.env.CHROMIUM_PATH;
  if (named) return runs(named) ? named : undefined;
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const installed = [...onPath, ...PLACES].find(runs);
  if (installed) return installed;
  const { chromium } = createRequire(import.meta.url)('@playwright/test');
  const own = chromium.executablePath();
  return runs(own) ? own : undefined;
}

const PACKAGED = '@sparticuz/chromium@153.0.0';

export const HOW_TO_GET_ONE =
  'No Chromium was found. Install one (Debian: apt-get install chromium; any system: npx playwright install chromium),\n' +
  'or set CHROMIUM_PATH to the program.';

/** The browser of tests and bench: one that is there, else one from the registry. Path, or undefined: then `HOW_TO_GET_ONE` is to be said. */
export const findOrGetBrowser = () => findBrowser() ?? getPackagedBrowser();

/** Gets a Chromium that comes as an npm package, into .cache/browser. Its path, or undefined when that fails; Linux x64 only. */
function getPackagedBrowser() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = join(root, '.cache', 'browser');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const env = { ...process.env, PATH: pinnedPath() };
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', PACKAGED], {
    cwd: folder,
    env,
  });
  if (npm.status !== 0) return undefined;
  const unpack = "import chromium from '@sparticuz/chromium'; console.log(await chromium.executablePath());";
  const node = spawnSync(pinnedNode(), ['--input-type=module', '-e', unpack], { cwd: folder, env, encoding: 'utf8' });
  const file = node.stdout?.trim().split('\n').at(-1);
  return file && runs(file) ? file : undefined;
}
