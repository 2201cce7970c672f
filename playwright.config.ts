import { defineConfig } from '@playwright/test';

const executablePath = process.env['CHROMIUM_PATH'];

export default defineConfig({
  testDir: './tests/site',
  globalSetup: './tests/site/support/joined-mesh.ts',
  // A browser waits as long as it works, so two run beside one another; time limits only catch what hangs.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  retries: 1,
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  reporter: [['line'], ['json']],
  use: {
    // To keep the page's structure at each step takes a tenth of the time, so only the second try does; pictures of every moment take more.
    trace: { mode: 'on-first-retry', screenshots: false, snapshots: true, sources: false },
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
