import { LabPage } from './support/lab-page.ts';
import { expect, test } from './support/lab-server.ts';

const reviews = (v1: number, v2: number, second = 'v2'): string => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
    - name: v1
      labels:
        version: v1
    - name: v2
      labels:
        version: v2
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
    - reviews
  http:
    - route:
        - destination:
            host: reviews
            subset: v1
          weight: ${v1}
        - destination:
            host: reviews
            subset: ${second}
          weight: ${v2}`;

const head = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts:
    - reviews
  http:`;

test.use({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });

test('a learner opens the lab, shifts traffic, breaks it, sees why, takes it back and passes the checks', async ({
  page,
  faults,
}) => {
  test.setTimeout(300_000);
  const lab = new LabPage(page);

  await test.step('the mesh runs, and says how long it needed', async () => {
    await lab.open('canary');
    await expect(lab.run).toHaveText(/Mesh running, 4 pods, started in \d+(\.\d+)? m?s/);
    await expect(page.getByRole('heading', { name: 'Half and half' })).toBeVisible();
    await lab.button('Next: Give the versions a name').click();
    await expect(page.getByText('Step 2 of 4')).toBeVisible();
    await expect(lab.rows.first()).toContainText('200');
  });

  await test.step('a misspelt field and a subset that nobody defines are told while typing', async () => {
    await lab.paste(head);
    await lab.typeLines(['    - rout:', '        - destination:', '            host: reviews']);
    await expect(lab.problems).toContainText('MW0101');
    await expect(lab.problems).toContainText('reviews.yaml:9');
    await expect(lab.problems).toContainText('Did you mean "route"?');
    await lab.paste(`${head}\n    - route:\n        - destination:\n            host: reviews\n            subset: v7`);
    await expect(lab.problems).toContainText('IST0101');
    await expect(lab.problems).toContainText('reviews.yaml:12');
    await expect(page.locator('.squiggly-error').first()).toBeVisible();
  });

  await test.step('completion offers the fields of a route, hover explains one', async () => {
    await lab.paste(head);
    await lab.typeLines(['    - ']);
    await page.keyboard.press('Control+Space');
    const offered = page.locator('.suggest-widget .monaco-list-row .label-name');
    await expect(offered.filter({ hasText: /^match$/ })).toBeVisible();
    await page.keyboard.insertText('r');
    for (const field of ['route', 'retries', 'rewrite', 'redirect']) {
      await expect(offered.filter({ hasText: new RegExp(`^${field}$`) })).toBeVisible();
    }
    await page.keyboard.press('Escape');
    await lab.paste(`${head}\n    - route:\n        - destination:\n            host: reviews`);
    // The schema's worker may still be reading the text: a pointer that rests there gets its answer at the next move.
    await expect(async () => {
      await page.mouse.move(700, 30);
      await page.locator('.monaco-editor .view-line span', { hasText: /^hosts$/ }).hover();
      await expect(page.locator('.monaco-hover:visible')).toContainText('destination hosts', { timeout: 2000 });
    }).toPass({ timeout: 20_000 });
    await page.mouse.move(700, 30);
  });

  await test.step('Ctrl+Enter applies; the page says at how many proxies it is in force and after how long', async () => {
    await lab.paste(reviews(90, 10));
    await expect(lab.problems).toBeHidden();
    await lab.apply();
    await expect(lab.applied).toHaveText(/In force at \d+ proxies after [\d.]+ m?s\./);
    await expect(page.getByRole('button', { name: 'Go to push 1, reviews' })).toBeVisible();
    await lab.tab('xDS');
    await expect(page.getByRole('table').getByText('ACK').first()).toBeVisible();
    await lab.tab('Requests');
  });

  await test.step('one request opens its decision path over both proxies, with the draw of the weight', async () => {
    await expect(lab.rows.filter({ hasText: 'v1' }).last()).toBeVisible();
    await lab.send();
    await expect(lab.why.locator('.verdict')).toContainText('200');
    await expect(lab.why).toContainText('frontend’s own proxy');
    await expect(lab.why).toContainText('reviews’s own proxy');
    await expect(lab.why.getByText(/^Drew \d+ of 100/)).toBeVisible();
    await expect(lab.why.getByRole('img', { name: /^Drew \d+; .* of 100$/ })).toBeVisible();
    await expect(lab.why.getByText('TLS peer').first()).toBeVisible();
  });

  await test.step('an origin chip lights the line of YAML that caused the step', async () => {
    const chip = lab.why.getByRole('button', { name: /^reviews\.yaml:\d+/ }).last();
    const line = /:(\d+)/.exec((await chip.textContent()) ?? '')?.[1];
    await chip.click();
    await expect(page.locator('.monaco-editor .line-lit').first()).toBeVisible();
    await expect(page.locator('.monaco-editor .number-lit', { hasText: new RegExp(`^${line}$`) })).toBeVisible();
  });

  await test.step('a subset without pods breaks it: the page shows 503 NC, says who refused, and marks the line', async () => {
    await lab.paste(reviews(0, 100, 'v9'));
    await expect(lab.problems).toContainText('IST0101');
    await lab.apply();
    await expect(lab.applied).toContainText('In force at');
    await expect(lab.rows.filter({ hasText: '503 NC' }).last()).toBeVisible();
    await expect(page.locator('.mesh .siding')).toContainText('NC');
    await lab.openRow('503 NC');
    await expect(lab.why.locator('.verdict')).toContainText('503 NC');
    await expect(lab.why.locator('.said')).toContainText(/frontend['’]s proxy refused it/);
    await expect(lab.why).toContainText('no DestinationRule defines subset v9');
    await expect(lab.why).toContainText('Not reached');
    await expect(page.locator('.monaco-editor .line-lit-end').first()).toBeVisible();
  });

  await test.step('Undo brings back the text and the mesh', async () => {
    await lab.button('Undo').click();
    await expect(page.locator('.monaco-editor .view-lines')).toContainText('subset: v2');
    await expect(lab.applied).toHaveText(/In force at \d+ proxies after [\d.]+ m?s\./);
    await lab.send();
    await expect(lab.why.locator('.verdict')).toContainText('200');
    await expect(page.getByRole('tab', { name: 'reviews.yaml', exact: true })).toBeVisible();
  });

  await test.step('Check meets the checks one after the other, and a hint helps with the next', async () => {
    await lab.button('Check').click();
    for (const title of ['Both subsets have endpoints', 'Version 2 gets one request', 'No request meets a cluster']) {
      await expect(lab.checks.locator('.met', { hasText: title })).toBeVisible({ timeout: 30_000 });
    }
    await expect(lab.checks.locator('.unmet')).toContainText('Taken back in one apply');
    await lab.button('Hint').click();
    await expect(page.getByRole('list', { name: 'Hints' })).toContainText('Hint 1 of 3');
    await lab.button('Hint 2 of 3').click();
    await expect(page.getByRole('list', { name: 'Hints' })).toContainText('weights to 100 and 0');
    await lab.paste(reviews(100, 0));
    await lab.apply();
    await expect(lab.applied).toContainText('In force at');
    await lab.button('Check').click();
    await expect(lab.checks.locator('.met')).toHaveCount(4, { timeout: 30_000 });
  });

  expect(faults).toEqual([]);
});

test('the terminal runs kubectl, istioctl and fortio, completes words, recalls lines and stops on Ctrl+C', async ({
  page,
  faults,
}) => {
  const lab = new LabPage(page);
  const { keyboard } = page;
  await lab.open('canary');
  await lab.tab('Terminal');
  const shows = (text: string | RegExp): Promise<void> =>
    expect.poll(() => lab.screenText(), { timeout: 15_000 }).toMatch(text);
  const prompt = /learner@canary \$$/;
  await shows(prompt);

  await lab.type('kubectl get pods');
  await shows(/reviews-v2-\S+ +2\/2 +Running/);

  await keyboard.insertText('kubectl get virtuals');
  await keyboard.press('Tab');
  await shows(/get virtualservices?$/);
  await keyboard.press('Control+C');
  await shows(/\^C/);

  await lab.type('clear');
  await lab.type('istioctl proxy-status');
  await shows(/frontend-v1-\S+\.default/);
  await keyboard.press('ArrowUp');
  await shows(/\$ istioctl proxy-status$/);
  await keyboard.press('ArrowUp');
  await keyboard.press('ArrowUp');
  await shows(/\$ kubectl get pods$/);
  await keyboard.press('Control+C');

  await lab.type('clear');
  await lab.type('kubectl apply -f reviews.yaml');
  await shows(/virtualservice\.networking\.istio\.io\/reviews created/);
  await expect(page.getByRole('tab', { name: /^xDS/ })).toContainText('1');

  await lab.type('clear');
  await lab.type('kubectl exec deploy/frontend-v1 -- fortio load -qps 20 -n 10 http://reviews:8080/reviews/0');
  await shows(/Code 200 : 10/);

  await lab.type('clear');
  await lab.type('kubectl exec deploy/frontend-v1 -- fortio load -qps 20 -t 60s http://reviews:8080/reviews/0');
  await shows(/… \d+ calls/);
  await keyboard.press('Control+C');
  await shows(/All done \d+ calls/);
  await shows(prompt);

  const clear = async (): Promise<void> => {
    await lab.type('clear');
    await shows(/^\s*learner@canary \$$/);
  };
  await test.step('Ctrl+R finds an earlier line, history prints them, through a pipe into a file', async () => {
    await clear();
    await keyboard.press('Control+R');
    await keyboard.insertText('get pods');
    await shows(/kubectl get pods$/);
    await keyboard.press('Control+C');
    await lab.type('P=pods && history | grep "get $P" > mine.txt && cat mine.txt');
    await shows(/ +\d+ {2}kubectl get pods\n/);
  });

  await test.step('a manifest that the terminal writes is a file of the editor', async () => {
    await lab.type('kubectl get virtualservice reviews -o yaml > copy.yaml');
    await page.getByRole('tab', { name: 'copy.yaml' }).click();
    await expect(page.locator('.monaco-editor .view-lines')).toContainText('last-applied-configuration');
    // The editor draws the lines that fit alone.
    expect(await lab.text()).toContain('resourceVersion');
    await page.locator('.xterm-helper-textarea').focus();
  });

  await test.step('an endless pipe is stopped by Ctrl+C, a million lines by their size, and the page goes on', async () => {
    await clear();
    await lab.type('yes | grep no');
    await keyboard.press('Control+C');
    await shows(/\^C[\s\S]*learner@canary \$$/);
    await clear();
    await lab.type('yes');
    await shows(/Output ends here: it is over 2 MB\. Use grep, head or tail\.[\s\S]*learner@canary \$$/);
  });

  await test.step('a command in the text runs at a click', async () => {
    await clear();
    await page.getByRole('button', { name: 'Run in the terminal: kubectl get pods --show-labels' }).click();
    await shows(/reviews-v2-\S+[\s\S]*version=v2\n/);
  });

  await test.step('a second tab is opened and closed; after a reload the arrows still know the lines', async () => {
    await page.getByRole('button', { name: 'New', exact: true }).click();
    const second = page.getByRole('tab', { name: 'Terminal 2' });
    await expect(second).toHaveAttribute('aria-selected', 'true');
    await page.getByRole('button', { name: 'Close terminal 2' }).click();
    await expect(second).toHaveCount(0);
    await expect(page.getByRole('tab', { name: 'Terminal 1' })).toBeFocused();
    await page.reload();
    await lab.runs();
    await shows(prompt);
    await page.locator('.xterm-helper-textarea').focus();
    await keyboard.press('ArrowUp');
    await shows(/\$ kubectl get pods --show-labels$/);
  });
  expect(faults).toEqual([]);
});
