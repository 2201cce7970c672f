import { type ReactNode, useEffect, useMemo, useState } from 'react';
import type { AppliedFile, Sheet } from '../../lab-client/index.ts';
import { Icon } from '../parts/sign.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useMedia } from '../parts/use-media.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { usePast } from '../time-view/use-past.ts';
import { type LinePlace, lineNotes } from './caught.ts';
import { EditorTools } from './editor-tools.tsx';
import { litLines } from './lit-lines.ts';
import { MonacoHost } from './monaco-host.tsx';
import { PastBar } from './past-bar.tsx';
import { asItWas } from './past-sheets.ts';
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
  const present = useStore(lab.stores.sheets);
  const applied = useStore(lab.stores.applied);
  const past = usePast();
  const sheets = useMemo(() => (past ? asItWas(present, past.files) : present), [past, present]);
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
  // Numbers and lit lines belong to the applied text: a file that differs from it has no numbers, and none of the past is lit.
  const differs = useMemo(
    () => new Set(sheets.filter((one) => one.changed || !isInForce(one, applied)).map(({ file }) => file)),
    [sheets, applied],
  );
  const notes = useMemo(
    () => lineNotes(caught.view?.lines ?? []).filter(({ file }) => !differs.has(file)),
    [caught.view, differs],
  );
  const plain = wantsPlain || narrow || broken;
  const lit = useMemo(
    () => litLines(explanation).filter(({ file }) => !past || !differs.has(file)),
    [explanation, past, differs],
  );
  const server = useMemo(
    () => (past ? [] : fromServer(diagnostics, present[0]?.file ?? '')),
    [diagnostics, present, past],
  );
  const problems = useMemo(() => mergeProblems(server, plain || past ? [] : schema), [server, schema, plain, past]);
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
  const apply = (): void => {
    if (!past) void lab.apply();
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
      {past && <PastBar view={past} file={sheet.file} />}
      <div className={past ? 'code past' : 'code'} role="tabpanel" id="file-panel" aria-label={sheet.file}>
        {plain ? (
          <PlainEditor
            file={sheet.file}
            text={sheet.text}
            readOnly={sheet.readOnly}
            lit={lit.filter((one) => one.file === sheet.file)}
            goTo={target?.file === sheet.file ? target : undefined}
            onEdit={(text) => lab.edit(sheet.file, text)}
            notes={notes.filter((one) => one.file === sheet.file)}
            onApply={apply}
            onMove={(line) => setHere({ file: sheet.file, line })}
            onAsk={(line) => caught.show({ file: sheet.file, line })}
          />
        ) : (
          <MonacoHost
            file={sheet.file}
            past={past && sheets}
            lit={lit}
            server={server}
            target={target}
            notes={notes}
            onSchema={setSchema}
            onMove={setHere}
            onAsk={caught.show}
            onApply={apply}
            onBroken={() => setBroken(true)}
          />
        )}
      </div>
      <EditorTools
        sheet={sheet}
        here={here?.file === sheet.file ? here : undefined}
        caught={caught}
        plain={plain}
        past={past !== undefined}
      />
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

/** Whether the text is what was applied last; what the learner may not write always is. */
const isInForce = ({ file, text, readOnly }: Sheet, applied: readonly AppliedFile[]): boolean =>
  (readOnly && !applied.some((one) => one.file === file)) || applied.find((one) => one.file === file)?.text === text;
