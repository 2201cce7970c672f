import fc from 'fast-check';
import { expect, test } from 'vitest';
import { appendLog, stripAnsi, toTerminal } from '../../../src/islands/terminal/ansi.ts';
import { completionOf, inColumns } from '../../../src/islands/terminal/completion.ts';
import { drawLine } from '../../../src/islands/terminal/draw-line.ts';
import { emptyLine, feed, keysOf, type LineState, replaceWord } from '../../../src/islands/terminal/line-editor.ts';

const ESC = '\u001b';

function type(...keys: string[]): LineState {
  return keys.reduce((state, key) => feed(state, key).state, emptyLine);
}

test('cursor keys move in the line and typing inserts there', () => {
  expect(type('curl', `${ESC}[D`, `${ESC}[D`, 'X')).toMatchObject({ line: 'cuXrl', cursor: 3 });
  expect(type('b', '\u0001', 'a', '\u0005', 'c').line).toBe('abc');
});

test('Ctrl+W takes a word, Ctrl+U what stands before, Ctrl+K what stands after, Ctrl+Y puts it back', () => {
  expect(type('kubectl get pods', '\u0017').line).toBe('kubectl get ');
  expect(type('kubectl get', '\u0015').line).toBe('');
  expect(type('abc', `${ESC}[D`, '\u000b').line).toBe('ab');
  expect(type('one two', '\u0017', '\u0019', '\u0019').line).toBe('one twotwo');
});

test('Enter runs the line and keeps it in the history, once', () => {
  const first = feed(type('ls'), '\r');
  expect(first.effects).toEqual([{ kind: 'run', line: 'ls' }]);
  expect(feed(feed(first.state, 'ls').state, '\r').state.history).toEqual(['ls']);
});

test('up and down go through the history and come back to what was being written', () => {
  const state = type('one', '\r', 'two', '\r', 'thr', `${ESC}[A`, `${ESC}[A`);
  expect(state.line).toBe('one');
  expect(['first', 'second'].reduce((now) => feed(now, `${ESC}[B`).state, state).line).toBe('thr');
});

test('Ctrl+R finds the newest line with the letters, again the one before', () => {
  const lines = type('kubectl get pods', '\r', 'curl reviews', '\r', 'kubectl get svc', '\r');
  const found = feed(feed(lines, '\u0012').state, 'kub').state;
  expect(found.line).toBe('kubectl get svc');
  const older = feed(found, '\u0012').state;
  expect(older.line).toBe('kubectl get pods');
  expect(feed(older, '\r').effects).toEqual([{ kind: 'run', line: 'kubectl get pods' }]);
});

test('Ctrl+C drops the line and says so', () => {
  const fed = feed(type('half'), '\u0003');
  expect([fed.state.line, fed.effects]).toEqual(['', [{ kind: 'interrupt' }]]);
});

test('pasted lines run one after the other', () => {
  expect(feed(emptyLine, 'a\rb\rc').effects.map((effect) => effect.kind)).toEqual(['run', 'run']);
  expect(keysOf(`ab${ESC}[1;5Dc\t`)).toEqual(['ab', `${ESC}[1;5D`, 'c', '\t']);
});

test('the cursor never leaves the line', () => {
  const keys = fc.constantFrom(
    'a',
    ' ',
    'word',
    `${ESC}[D`,
    `${ESC}[C`,
    `${ESC}[A`,
    '\u007f',
    '\u0017',
    '\u000b',
    '\u0012',
    '\r',
  );
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 60 }), (typed) => {
      const state = type(...typed);
      return state.cursor >= 0 && state.cursor <= state.line.length;
    }),
  );
});

test('a line longer than the screen is drawn over its rows and the cursor is put back', () => {
  const state = { ...emptyLine, line: 'x'.repeat(25), cursor: 3 };
  const drawn = drawLine({ text: '$ ', dim: false }, state, { row: 0, columns: 10 });
  expect(drawn.row).toBe(0);
  expect(drawn.text.endsWith(`${ESC}[2A\r${ESC}[5C`)).toBe(true);
  expect(drawLine({ text: '$ ', dim: false }, { ...state, cursor: 25 }, { row: 0, columns: 10 }).row).toBe(2);
});

test('one candidate is taken, several as far as they agree, then listed', () => {
  expect(completionOf('kub', ['kubectl'])).toEqual({ kind: 'replace', text: 'kubectl ' });
  expect(completionOf('di', ['dir/'])).toEqual({ kind: 'replace', text: 'dir/' });
  expect(completionOf('rev', ['reviews-v1', 'reviews-v2'])).toEqual({ kind: 'replace', text: 'reviews-v' });
  expect(completionOf('reviews-v', ['reviews-v1', 'reviews-v2'])).toMatchObject({ kind: 'list' });
  expect(completionOf('zz', [])).toEqual({ kind: 'nothing' });
  expect(replaceWord({ ...emptyLine, line: 'get po', cursor: 6 }, 4, 'pods ').line).toBe('get pods ');
});

test('candidates stand in as many columns as fit', () => {
  expect(inColumns(['aa', 'bb', 'cc'], 10)).toBe('aa  bb\ncc');
});

test('the plain log has no colours, and pieces of a line join', () => {
  expect(stripAnsi(`${ESC}[32mok${ESC}[0m\r\n${ESC}]0;title\u0007x`)).toBe('ok\nx');
  expect(appendLog(appendLog([''], 'one'), ' more\ntwo\n')).toEqual(['one more', 'two', '']);
  expect(toTerminal('a\nb\r\n')).toBe('a\r\nb\r\n');
});
