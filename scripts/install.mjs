// Installs node_modules from the lockfile, when the lockfile changed since the last time.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './node.mjs';
import { SetupError, step } from './steps.mjs';

const stampFile = join(root, 'node_modules', '.meshwork-install');

export async function install() {
  await step('packages', async () => {
    const lock = readFileSync(join(root, 'package-lock.json'));
    const stamp = createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex');
    if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return { skipped: 'up to date' };
    console.log('  packages     npm ci, about a minute on a new machine …');
    await npmCi();
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    writeFileSync(stampFile, stamp);
  });
}

function npmCi() {
  return new Promise((resolve, reject) => {
    // Install scripts are not needed: Node comes as a plain package, browsers are found on the machine.
    const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
      shell: process.platform === 'win32',
    });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-8000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (cause) =>
      reject(new SetupError('npm could not be started.', 'Install npm and try again.', { cause })),
    );
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(installFailure(output));
    });
  });
}

function installFailure(output) {
  const cause = new Error(output.trim() || 'npm ci printed nothing');
  if (/EACCES|EPERM/.test(output)) {
    return new SetupError(
      'npm has no permission to write.',
      `Make ${root} and the npm cache writable for this user (npm config get cache).`,
      { cause },
    );
  }
  if (/EINTEGRITY|cache|ENOTCACHED/.test(output)) {
    return new SetupError('npm found a broken package cache.', 'Run `npm cache clean --force`, then try again.', {
      cause,
    });
  }
  if (/ENOTFOUND|ETIMEDOUT|ECONNREFUSED|EAI_AGAIN/.test(output)) {
    return new SetupError(
      'npm did not reach its package registry.',
      'Check the network or the registry setting (npm config get registry), then try again.',
      { cause },
    );
  }
  return new SetupError(
    'npm ci failed.',
    'Read the cause below; `rm -rf node_modules` and a new try cure most states.',
    { cause },
  );
}
