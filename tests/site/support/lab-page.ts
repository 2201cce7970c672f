import type { Locator, Page } from '@playwright/test';
import { expect } from './lab-server.ts';

/** The lab page as a learner sees it: names of what is on the screen, and the few verbs that take more than one step. */
export class LabPage {
  readonly page: Page;
  readonly run: Locator;
  readonly applied: Locator;
  readonly problems: Locator;
  readonly why: Locator;
  readonly rows: Locator;
  readonly checks: Locator;
  readonly screen: Locator;

  constructor(page: Page) {
    this.page = page;
    this.run = page.locator('#lab-run');
    this.applied = page.locator('.apply-result');
    this.problems = page.getByRole('list', { name: 'Problems in the text' });
    this.why = page.locator('.why-inner');
    this.rows = page.getByRole('region', { name: 'Requests, newest last' }).locator('tbody tr');
    this.checks = page.getByRole('list', { name: 'Checks' });
    this.screen = page.locator('.xterm-rows');
  }

  async open(lab: string): Promise<void> {
    await this.page.goto(`/lab/${lab}/`);
    await this.runs();
  }

  /** A mesh starts within a second; several beside browsers on two cores need longer. */
  async runs(): Promise<void> {
    await expect(this.run).toContainText('Mesh running', { timeout: 60_000 });
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** The editor with keys in it, its YAML language loaded. */
  async focusEditor(): Promise<void> {
    await expect(this.page.locator('.monaco-editor .view-line').first()).toBeVisible();
    await this.page.locator('.monaco-editor .native-edit-context, .monaco-editor textarea.inputarea').first().focus();
  }

  /** Types lines at the end of the text, each over the indent that the editor proposes. */
  async typeLines(lines: readonly string[]): Promise<void> {
    const { keyboard } = this.page;
    await this.focusEditor();
    await keyboard.press('ControlOrMeta+End');
    for (const line of lines) {
      await keyboard.press('Enter');
      await keyboard.press('Shift+Home');
      await keyboard.press('Shift+Home');
      await keyboard.insertText(line);
    }
  }

  /** Pastes the text in place of what is there. */
  async paste(text: string): Promise<void> {
    await this.page.evaluate((value) => navigator.clipboard.writeText(value), text);
    await this.focusEditor();
    await this.page.keyboard.press('ControlOrMeta+A');
    await this.page.keyboard.press('ControlOrMeta+V');
  }

  /** The whole text of the shown file, by way of the plain field. */
  async text(): Promise<string> {
    const plain = this.button('Plain text field instead of the editor');
    await plain.click();
    const text = await this.page.getByRole('textbox', { name: /as plain text$/ }).inputValue();
    await plain.click();
    return text;
  }

  async apply(): Promise<void> {
    await this.focusEditor();
    await this.page.keyboard.press('ControlOrMeta+Enter');
  }

  async tab(name: string): Promise<void> {
    await this.page.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
  }

  /** Sends one request; its decision path opens. */
  async send(): Promise<void> {
    await this.tab('Requests');
    await this.page.getByRole('tabpanel', { name: 'Requests' }).getByRole('button', { name: 'Send one' }).click();
  }

  /** Opens the newest row of the list that has this status. */
  async openRow(status: string): Promise<void> {
    await this.rows.filter({ hasText: status }).last().getByRole('button').click();
    await expect(this.why.locator('.verdict')).toBeVisible();
  }

  /** Types a line into the terminal, with Enter. */
  async type(line: string): Promise<void> {
    await this.page.locator('.xterm-helper-textarea').focus();
    await this.page.keyboard.insertText(line);
    await this.page.keyboard.press('Enter');
  }

  /** What stands on the terminal's screen. */
  async screenText(): Promise<string> {
    const lines = await this.screen.locator('> div').allTextContents();
    return lines
      .map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }
}
