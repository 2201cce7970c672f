#!/usr/bin/env node
// `npm start`: installs, builds the site and joins the code of sandboxes when their inputs changed, then starts the lab server under the pinned Node.
// Other verbs (`validate`, `explain` …) go straight to server/main.ts. Runs on any Node from 20 on, with no dependency.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { install } from './install.mjs';
import { meshFlags, pinnedNode, pinnedPath, root } from './node.mjs';
import { fail, step } from './steps.mjs';

const [verb = 'start', ...rest] = process.argv.slice(2);

try {
  if (verb === 'start' && !rest.includes('--help') && !rest.includes('-h')) {
    await install();
    const { buildSite } = await import('./build-site.mjs');
    await step('site', () => buildSite());
    const { buildSandbox, sandboxProgram } = await import('./build-sandbox.mjs');
    await step('mesh code', () => buildSandbox());
    serve({ MESHWORK_SANDBOX: sandboxProgram });
  } else {
    if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) {
      // Standard output belongs to the verb.
      console.log = console.error;
      await install();
    }
    serve();
  }
} catch (error) {
  fail(error);
}

function serve(settings = {}) {
  const main = join(root, 'server', 'main.ts');
  const flags = ['--disable-warning=ExperimentalWarning', ...(verb === 'up' ? meshFlags : [])];
  const child = spawn(pinnedNode(), [...flags, main, verb, ...rest], {
    stdio: 'inherit',
    env: { ...process.env, PATH: pinnedPath(), ...settings },
  });
  // Ctrl+C reaches the whole process group, a plain kill only this process: forward it; the server takes a signal twice as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
}
