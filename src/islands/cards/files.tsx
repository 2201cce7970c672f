import { useMemo, useState } from 'react';
import { changeProgress, loadProgress } from '../../components/progress.ts';
import { type Format, type FoundFile, formats, readFile, writeFile } from './exchange/files.ts';
import { type Duplicates, entriesOf, planImport } from './exchange/plan-import.ts';
import { labTexts, leaveForLab } from './learner-calls.ts';
import { openLibrary } from './library.ts';
import type { LearnerLogState, NewEntry } from './use-log.ts';

/** Everything out, and cards and reviews in, with a look at what would change. */
export function Files({ log }: { log: LearnerLogState }) {
  const library = useMemo(() => openLibrary(log.deck, log.log), [log.deck, log.log]);
  const [words, setWords] = useState('');
  const [found, setFound] = useState<FoundFile & { name: string }>();

  const write = async (format: Format) => {
    setWords('');
    try {
      const file = await writeFile(format, {
        library,
        log: log.log,
        course: loadProgress(),
        labs: labTexts,
        nowMs: Date.now(),
      });
      save(file, `meshwork-${new Date().toISOString().slice(0, 10)}.${formats[format].ending}`);
    } catch (error) {
      console.error(error);
      setWords('The file could not be written.');
    }
  };
  const read = async (file: File | undefined) => {
    setWords('');
    setFound(undefined);
    if (!file) return;
    try {
      setFound({ name: file.name, ...(await readFile(file)) });
    } catch (error) {
      setWords(error instanceof Error ? error.message : 'The file cannot be read.');
    }
  };
  return (
    <section aria-labelledby="set-files">
      <h2 id="set-files">Files</h2>
      <h3>Out</h3>
      <ul className="formats">
        {(Object.keys(formats) as Format[]).map((format) => (
          <li key={format}>
            <button type="button" className="btn" onClick={() => void write(format)}>
              {formats[format].name}
            </button>
            <span>{formats[format].text}</span>
          </li>
        ))}
        <li>
          <a className="btn" href="/cards/print/">
            For printing
          </a>
          <span>Two sides to fold or cut.</span>
        </li>
      </ul>
      <h3>In</h3>
      <label className="field">
        <span>A backup, an Anki package (.apkg) or text, CSV, an FSRS log, or lines of “term, tab, meaning”</span>
        <input
          type="file"
          accept=".json,.apkg,.txt,.tsv,.csv"
          onChange={(event) => {
            void read(event.target.files?.[0]);
            event.target.value = '';
          }}
        />
      </label>
      <p role="status">{words}</p>
      {found && (
        <ImportPreview
          key={found.name}
          name={found.name}
          found={found}
          log={log}
          cancel={() => setFound(undefined)}
          done={(text) => {
            const { course, labs = [] } = found;
            if (course) changeProgress(() => course);
            for (const texts of labs) leaveForLab(localStorage, texts);
            setFound(undefined);
            setWords(text);
          }}
        />
      )}
    </section>
  );
}

interface PreviewProps {
  readonly name: string;
  readonly found: FoundFile;
  readonly log: LearnerLogState;
  cancel(): void;
  done(words: string): void;
}

const examples = 5;

function ImportPreview({ name, found, log, cancel, done }: PreviewProps) {
  const { content, course, labs = [] } = found;
  const library = useMemo(() => openLibrary(log.deck, log.log), [log.deck, log.log]);
  const plan = useMemo(() => planImport(content, library, log.log), [content, library, log.log]);
  const [duplicates, setDuplicates] = useState<Duplicates>('keep mine');
  const cards = entriesOf(plan, duplicates);
  const nothing = cards.length === 0 && plan.entries.length === 0 && !course && labs.length === 0;
  const take = async () => {
    const atMs = Date.now();
    const entries = cards.map((entry: NewEntry) => ({ ...entry, id: crypto.randomUUID(), atMs }));
    const added = await log.join([...plan.entries, ...(entries as typeof plan.entries)]);
    done(`${added} entries of ${name} were added.`);
  };
  return (
    <section className="preview" aria-label={`What ${name} would change`}>
      <h4>{name}</h4>
      <ul>
        <li>{count(plan.fresh.length, 'new card')}</li>
        <li>{count(plan.changed.length, 'card')} in other words than yours</li>
        <li>{count(plan.same, 'card')} as you have them</li>
        <li>
          {count(plan.entries.length, 'review or other entry', 'reviews and other entries')} that this browser does not
          have
        </li>
        {plan.takingBack > 0 && (
          <li>{plan.takingBack} of them take something back: a grade, a card, or what is remembered of it</li>
        )}
        {course && <li>answers and texts of the days, in place of those here</li>}
        {labs.length > 0 && <li>your files of {count(labs.length, 'lab')}, in place of those here</li>}
        {plan.refused.length > 0 && <li>{plan.refused.length} that cannot be used</li>}
      </ul>
      {plan.fresh.length > 0 && (
        <ul className="examples">
          {plan.fresh.slice(0, examples).map(({ card, note }) => (
            <li key={card}>
              <b>{note.front.slice(0, 120)}</b> {note.back.slice(0, 120)}
            </li>
          ))}
          {plan.fresh.length > examples && <li>and {plan.fresh.length - examples} more</li>}
        </ul>
      )}
      {plan.changed.length > 0 && (
        <fieldset className="row">
          <legend>Cards in other words</legend>
          {(['keep mine', 'take theirs'] as const).map((choice) => (
            <label key={choice}>
              <input
                type="radio"
                name="duplicates"
                checked={duplicates === choice}
                onChange={() => setDuplicates(choice)}
              />{' '}
              {choice}
            </label>
          ))}
        </fieldset>
      )}
      {plan.refused.length > 0 && (
        <details>
          <summary>What cannot be used</summary>
          <ul>
            {plan.refused.slice(0, 50).map(({ where, reason }) => (
              <li key={where}>
                {where}: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
      <p className="row">
        <button type="button" className="btn go" disabled={nothing} onClick={() => void take()}>
          {nothing ? 'There is nothing new in it' : 'Add it'}
        </button>
        <button type="button" className="btn" onClick={cancel}>
          Cancel
        </button>
      </p>
    </section>
  );
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
