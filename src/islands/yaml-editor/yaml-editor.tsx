import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Icon } from '../parts/sign.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useMedia } from '../parts/use-media.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { type LineNote, type LinePlace, lineNotes } from './caught.ts';
import type { EditorPort } from './editor-port.ts';
import { EditorTools } from './editor-tools.tsx';
import { litLines } from './lit-lines.ts';
import { PlainEditor } from './plain-editor.tsx';
import { ProblemList } from './problem-list.tsx';
import { applyFix, type Fix, fromServer, mergeProblems, type Problem } from './problems.ts';
import { useCaught } from './use-caught.ts';

interface YamlEditorProps {
  /** A place that a chip or a problem points to; a new object goes there again. */
  goTo: { file: string; line: number } | undefined;
  /** Stands at the end of the bar of files. */
  more: ReactNode;
}

/** The learner's files: tabs, Monaco or its plain twin, and what is wrong with the text. */
export function YamlEditor({ goTo, more }: YamlEditorProps) {
  const lab = useLab();
  const sheets = useStore(lab.stores.sheets);
  const diagnostics = useStore(lab.stores.diagnostics);
  const explanation = useStore(lab.stores.explanation);
  const narrow = useMedia('(max-width: 700px)');
  const [chosen, setChosen] = useState<string>();
  const [wantsPlain, setWantsPlain] = useState(false);
  const [broken, setBroken] = useState(false);
  const [schema, setSchema] = useState<Problem[]>([]);
  const [target, setTarget] = useState<{ file: string; line: number }>();
  const [here, setHere] = useState<LinePlace>();
  const caught = useCaught();
  // Numbers belong to the applied text: a file that differs from it has none.
  const notes = useMemo(() => {
    const differs = new Set(sheets.filter(({ changed }) => changed).map(({ file }) => file));
    return lineNotes(caught.view?.lines ?? []).filter(({ file }) => !differs.has(file));
  }, [caught.view, sheets]);
  const plain = wantsPlain || narrow || broken;
  const lit = useMemo(() => litLines(explanation), [explanation]);
  const server = useMemo(() => fromServer(diagnostics, sheets[0]?.file ?? ''), [diagnostics, sheets]);
  const problems = useMemo(() => mergeProblems(server, plain ? [] : schema), [server, schema, plain]);
  const sheet = sheets.find((one) => one.file === chosen) ?? sheets[0];
  useEffect(() => {
    if (!goTo) return;
    setChosen(goTo.file);
    setTarget(goTo);
  }, [goTo]);
  const open = (problem: Problem): void => {
    if (problem.line === 0) return;
    setChosen(problem.file);
    setTarget({ file: problem.file, line: problem.line });
  };
  const repair = (fix: Fix): void => {
    const damaged = sheets.find((one) => one.file === fix.range.file && !one.readOnly);
    if (!damaged) return;
    lab.edit(damaged.file, applyFix(damaged.text, fix));
    setChosen(damaged.file);
    setTarget({ file: damaged.file, line: fix.range.line });
  };
  if (!sheet) return <div className="edit empty-edit" />;
  const tabs = sheets.map((one) => ({
    key: one.file,
    label: <FileName file={one.file} changed={one.changed} readOnly={one.readOnly} />,
  }));
  return (
    <div className="edit" id="panel-edit">
      <div className="bar">
        <Tabs id="file" label="Files" tabs={tabs} selected={sheet.file} onSelect={setChosen} />
        <button
          type="button"
          className="btn quiet sq"
          aria-label="Plain text field instead of the editor"
          aria-pressed={plain}
          hidden={narrow || broken}
          onClick={() => setWantsPlain(!wantsPlain)}
        >
          <Icon name="read" />
        </button>
        {more}
      </div>
      <div className="code" role="tabpanel" id="file-panel" aria-label={sheet.file}>
        {plain ? (
          <PlainEditor
            file={sheet.file}
            text={sheet.text}
            readOnly={sheet.readOnly}
            lit={lit.filter((one) => one.file === sheet.file)}
            goTo={target?.file === sheet.file ? target : undefined}
            onEdit={(text) => lab.edit(sheet.file, text)}
            notes={notes.filter((one) => one.file === sheet.file)}
            onApply={() => void lab.apply()}
            onMove={(line) => setHere({ file: sheet.file, line })}
            onAsk={(line) => caught.show({ file: sheet.file, line })}
          />
        ) : (
          <MonacoHost
            file={sheet.file}
            lit={lit}
            server={server}
            target={target}
            notes={notes}
            onSchema={setSchema}
            onMove={setHere}
            onAsk={caught.show}
            onBroken={() => setBroken(true)}
          />
        )}
      </div>
      <EditorTools sheet={sheet} here={here?.file === sheet.file ? here : undefined} caught={caught} plain={plain} />
      <ProblemList problems={problems} onOpen={open} onFix={repair} />
    </div>
  );
}

function FileName({ file, changed, readOnly }: { file: string; changed: boolean; readOnly: boolean }) {
  return (
    <>
      {readOnly && <Icon name="lock" />}
      <span className="name" title={file}>
        {file}
      </span>
      {changed && (
        <span className="changed" title="Not applied yet">
          <span className="sr">, not applied yet</span>
        </span>
      )}
    </>
  );
}

interface MonacoHostProps {
  file: string;
  lit: ReturnType<typeof litLines>;
  server: readonly Problem[];
  notes: readonly LineNote[];
  target: { file: string; line: number } | undefined;
  onSchema: (problems: Problem[]) => void;
  onBroken: () => void;
  onMove: (place: LinePlace) => void;
  onAsk: (place: LinePlace) => void;
}

/** Monaco comes when it is first needed: the page is whole before its megabytes are. */
function MonacoHost(props: MonacoHostProps) {
  const { file, lit, server, notes, target, onSchema, onBroken, onMove, onAsk } = props;
  const lab = useLab();
  const sheets = useStore(lab.stores.sheets);
  const host = useRef<HTMLDivElement>(null);
  const [port, setPort] = useState<EditorPort>();
  const names = sheets.map((sheet) => sheet.file).join('\n');
  const events = useRef({ onSchema, onBroken, onMove, onAsk });
  events.current = { onSchema, onBroken, onMove, onAsk };
  const create = useCallback(async (): Promise<EditorPort | undefined> => {
    if (!host.current || names === '') return undefined;
    const { openMonaco } = await import('./monaco-editor.ts');
    return openMonaco(host.current, lab.stores.sheets.get(), {
      edited: (name, text) => lab.edit(name, text),
      apply: () => void lab.apply(),
      moved: (place) => events.current.onMove(place),
      asked: (place) => events.current.onAsk(place),
      schemaProblems: (found) => events.current.onSchema(found),
    });
  }, [lab, names]);
  useEffect(() => {
    let gone = false;
    let mine: EditorPort | undefined;
    create().then(
      (made) => {
        if (gone) made?.dispose();
        else {
          mine = made;
          setPort(made);
        }
      },
      (error: unknown) => {
        console.error('The editor did not load; the plain field takes its place.', error);
        events.current.onBroken();
      },
    );
    return () => {
      gone = true;
      mine?.dispose();
      setPort(undefined);
    };
  }, [create]);
  useEffect(() => port?.show(file), [port, file]);
  useEffect(() => {
    for (const sheet of sheets) port?.setText(sheet.file, sheet.text);
  }, [port, sheets]);
  useEffect(() => port?.setLit(lit), [port, lit]);
  useEffect(() => port?.setNotes(notes), [port, notes]);
  useEffect(() => port?.setProblems(server), [port, server]);
  useEffect(() => {
    if (target && target.file === file) port?.reveal(target.file, target.line);
  }, [port, target, file]);
  return <div className="monaco-host" ref={host} />;
}
