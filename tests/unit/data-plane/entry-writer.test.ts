import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { EntryWriter } from '../../../server/data-plane/format/entry-writer.ts';
import { NO_REQUEST } from '../../../server/data-plane/format/subject.ts';
import { compileEntry, compileFormat } from '../../../server/data-plane/format/template.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { StreamInfo } from '../../../server/data-plane/http/stream-info.ts';
import { createContainerLog } from '../../../server/sandbox/kubelet/container-log.ts';

const entryOf = (pieces: readonly string[], writer = new EntryWriter()) => {
  writer.begin();
  for (const piece of pieces) writer.add(piece);
  return writer.end();
};

describe('EntryWriter', () => {
  it('writes letters whose bytes are UTF-8 as the letters that they are, and others of one byte as they are', () => {
    const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
    expect(entryOf(['a ', bytes('Zürich €'), ' é', ' 漢']).toString()).toBe('a Zürich € é 漢');
  });

  it.each([
    ['short pieces', ['GET ', '/reviews/0', ' 200']],
    ['an empty entry', []],
    ['a long piece', ['"', 'user-agent/1.0 '.repeat(40), '"']],
    ['characters beyond ASCII, in short pieces and in long ones', ['ü', 'ab→cd', '日本語'.repeat(60), 'z']],
    ['more than its usual space', Array.from({ length: 30 }, (_, i) => String(i).repeat(1500))],
    ['more than its usual space in one piece', ['<', 'é'.repeat(40_000), '>']],
  ])('puts together %s', (_, pieces) => {
    expect(String(entryOf(pieces))).toBe(pieces.join(''));
  });

  it('writes one entry after another', () => {
    const writer = new EntryWriter();
    expect(String(entryOf(['x'.repeat(50_000)], writer))).toHaveLength(50_000);
    expect(String(entryOf(['short'], writer))).toBe('short');
  });

  it('hands over bytes, and a string where a piece has a newline, so that a log can keep its lines apart', () => {
    const clock = { now: () => 5 };
    const told: string[] = [];
    const log = createContainerLog(() => undefined, clock);
    log.follow((line) => told.push(line));
    for (const pieces of [
      ['one ', 'line'],
      ['two\n', 'lines'],
      ['ünder one ', 'roof'],
    ])
      log.write(entryOf(pieces));
    const lines = ['one line', 'two', 'lines', 'ünder one roof'];
    expect(log.entries()).toEqual(lines.map((text) => ({ text, atMs: 5 })));
    expect(told).toEqual(lines);
  });

  it('is cut by a log where it is longer than a line may be', () => {
    const log = createContainerLog(() => undefined, { now: () => 0 });
    log.write(entryOf(['ab'.repeat(5000)]));
    expect(log.lines()).toEqual(['ab'.repeat(2048)]);
  });
});

it.each([
  'begins %REQ(A)% %BYTES_SENT% "%REQ(B)%" %REQ(A)%%REQ(C)% ends',
  '%REQ(A)%',
  '%REQ(C)%%BYTES_SENT%',
  'no command',
])('an entry says what its own request was, whatever the one before it was: %s', (format) => {
  const draw = seededRandom(format);
  const texts = [
    'x',
    'y',
    'two',
    'one',
    'ü',
    'é!',
    'a\nb',
    'long '.repeat(30),
    'LONG '.repeat(30),
    '',
    'z'.repeat(20_000),
  ];
  const text = (): string => texts[Math.min(draw.below(texts.length), draw.below(texts.length))]!;
  const [write, expected] = [compileEntry(format, 'f'), compileFormat(format, 'f')];
  const at = { ip: '127.0.0.1', port: 1 };
  const connection = {
    direction: 'inbound',
    remoteAddress: at,
    localAddress: at,
    requestedServerName: '',
    tls: undefined,
  } as const;
  for (let i = 0; i < 2000; i++) {
    const headers = new Headers(['a', text(), 'b', text(), 'c', text()]);
    const info = new StreamInfo(0, 0);
    info.bytesSent = [0, 1, 22, 33][draw.below(4)]!;
    const subject = { head: { ...NO_REQUEST, headers }, responseHead: undefined, info, connection };
    expect(String(write(subject))).toBe(expected(subject));
  }
});
