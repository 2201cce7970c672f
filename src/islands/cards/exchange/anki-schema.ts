import type { SqlValue } from 'sql.js';

// Anki's collection, schema version 11: the tables and the JSON that its import expects.

export const schema: readonly string[] = [
  `CREATE TABLE col (id integer PRIMARY KEY, crt integer NOT NULL, mod integer NOT NULL, scm integer NOT NULL,
    ver integer NOT NULL, dty integer NOT NULL, usn integer NOT NULL, ls integer NOT NULL, conf text NOT NULL,
    models text NOT NULL, decks text NOT NULL, dconf text NOT NULL, tags text NOT NULL)`,
  `CREATE TABLE notes (id integer PRIMARY KEY, guid text NOT NULL, mid integer NOT NULL, mod integer NOT NULL,
    usn integer NOT NULL, tags text NOT NULL, flds text NOT NULL, sfld integer NOT NULL, csum integer NOT NULL,
    flags integer NOT NULL, data text NOT NULL)`,
  `CREATE TABLE cards (id integer PRIMARY KEY, nid integer NOT NULL, did integer NOT NULL, ord integer NOT NULL,
    mod integer NOT NULL, usn integer NOT NULL, type integer NOT NULL, queue integer NOT NULL, due integer NOT NULL,
    ivl integer NOT NULL, factor integer NOT NULL, reps integer NOT NULL, lapses integer NOT NULL, left integer NOT NULL,
    odue integer NOT NULL, odid integer NOT NULL, flags integer NOT NULL, data text NOT NULL)`,
  `CREATE TABLE revlog (id integer PRIMARY KEY, cid integer NOT NULL, usn integer NOT NULL, ease integer NOT NULL,
    ivl integer NOT NULL, lastIvl integer NOT NULL, factor integer NOT NULL, time integer NOT NULL, type integer NOT NULL)`,
  'CREATE TABLE graves (usn integer NOT NULL, oid integer NOT NULL, type integer NOT NULL)',
  'CREATE INDEX ix_notes_usn ON notes (usn)',
  'CREATE INDEX ix_cards_usn ON cards (usn)',
  'CREATE INDEX ix_revlog_usn ON revlog (usn)',
  'CREATE INDEX ix_cards_nid ON cards (nid)',
  'CREATE INDEX ix_cards_sched ON cards (did, queue, due)',
  'CREATE INDEX ix_revlog_cid ON revlog (cid)',
  'CREATE INDEX ix_notes_csum ON notes (csum)',
];

export const modelIds = { Basic: 1_700_000_000_001, Cloze: 1_700_000_000_002 } as const;
const firstDeckId = 1_700_000_001_000;

/** An id for each deck, the same in every export of the same decks. */
export function deckIds(names: readonly string[]): Map<string, number> {
  return new Map([...new Set(names)].toSorted().map((name, index) => [name, firstDeckId + index]));
}

/** The one row of `col`. Times are seconds, except `mod` and `scm`. */
export function collectionRow(input: {
  readonly decks: ReadonlyMap<string, number>;
  readonly crtMs: number;
  readonly nowMs: number;
}): SqlValue[] {
  const models = [model('Basic', input.nowMs), model('Cloze', input.nowMs)];
  const decks = [['Default', 1] as const, ...input.decks].map(([name, id]) => deck(name, id, input.nowMs));
  const conf = {
    schedVer: 2,
    nextPos: 1,
    estTimes: true,
    activeDecks: [1],
    sortType: 'noteFld',
    sortBackwards: false,
    curDeck: 1,
  };
  return [
    1,
    Math.floor(input.crtMs / 1000),
    input.nowMs,
    input.nowMs,
    11,
    0,
    0,
    0,
    JSON.stringify({
      ...conf,
      timeLim: 0,
      dueCounts: true,
      newSpread: 0,
      curModel: String(modelIds.Basic),
      collapseTime: 1200,
    }),
    JSON.stringify(Object.fromEntries(models.map((each) => [each.id, each]))),
    JSON.stringify(Object.fromEntries(decks.map((each) => [each.id, each]))),
    JSON.stringify({ 1: deckOptions }),
    '{}',
  ];
}

const css = '.card { font-family: sans-serif; font-size: 20px; text-align: center; } pre { text-align: left; }';

function model(type: keyof typeof modelIds, nowMs: number) {
  const cloze = type === 'Cloze';
  const names = cloze ? ['Text', 'Back Extra'] : ['Front', 'Back'];
  const answer = cloze ? '{{cloze:Text}}<br>{{Back Extra}}' : '{{FrontSide}}<hr id=answer>{{Back}}';
  return {
    id: modelIds[type],
    name: `Meshwork ${type}`,
    type: cloze ? 1 : 0,
    mod: Math.floor(nowMs / 1000),
    usn: -1,
    sortf: 0,
    did: 1,
    css,
    latexPre: '',
    latexPost: '',
    vers: [],
    tags: [],
    req: cloze ? [] : [[0, 'any', [0]]],
    flds: names.map((name, ord) => ({ name, ord, sticky: false, rtl: false, font: 'Arial', size: 20, media: [] })),
    tmpls: [
      {
        name: 'Card 1',
        ord: 0,
        qfmt: cloze ? '{{cloze:Text}}' : '{{Front}}',
        afmt: answer,
        bqfmt: '',
        bafmt: '',
        did: null,
      },
    ],
  };
}

function deck(name: string, id: number, nowMs: number) {
  const none = [0, 0];
  return {
    id,
    name,
    mod: Math.floor(nowMs / 1000),
    usn: -1,
    desc: '',
    dyn: 0,
    conf: 1,
    collapsed: false,
    browserCollapsed: false,
    extendNew: 10,
    extendRev: 50,
    newToday: none,
    revToday: none,
    lrnToday: none,
    timeToday: none,
  };
}

const deckOptions = {
  id: 1,
  name: 'Default',
  mod: 0,
  usn: 0,
  maxTaken: 60,
  autoplay: true,
  timer: 0,
  replayq: true,
  dyn: false,
  new: { delays: [1, 10], ints: [1, 4, 7], initialFactor: 2500, order: 1, perDay: 8, bury: true, separate: true },
  rev: { perDay: 60, ease4: 1.3, fuzz: 0.05, ivlFct: 1, maxIvl: 36500, bury: true, minSpace: 1 },
  lapse: { delays: [10], mult: 0, minInt: 1, leechFails: 8, leechAction: 1 },
};
