import { useCallback, useEffect, useRef, useState } from 'react';
import { useLab, useStore } from '../parts/use-store.ts';
import type { LineNote, LinePlace } from './caught.ts';
import type { EditorPort } from './editor-port.ts';
import type { LitLines } from './lit-lines.ts';
import type { Problem } from './problems.ts';

interface MonacoHostProps {
  file: string;
  /** Texts of a moment of the past, shown in place of the files. */
  past: readonly { file: string; text: string }[] | undefined;
  lit: readonly LitLines[];
  server: readonly Problem[];
  notes: readonly LineNote[];
  target: { file: string; line: number } | undefined;
  onSchema: (problems: Problem[]) => void;
  onBroken: () => void;
  onMove: (place: LinePlace) => void;
  onAsk: (place: LinePlace) => void;
  onApply: () => void;
}

/** Monaco comes when it is first needed: the page is whole before its megabytes are. */
export function MonacoHost(props: MonacoHostProps) {
  const { file, past, lit, server, notes, target } = props;
  const lab = useLab();
  const sheets = useStore(lab.stores.sheets);
  const host = useRef<HTMLDivElement>(null);
  const [port, setPort] = useState<EditorPort>();
  const names = sheets.map((sheet) => sheet.file).join('\n');
  const events = useRef(props);
  events.current = props;
  const create = useCallback(async (): Promise<EditorPort | undefined> => {
    if (!host.current || names === '') return undefined;
    const { openMonaco } = await import('./monaco-editor.ts');
    const applied = new Map(lab.stores.applied.get().map(({ file: name, text }) => [name, text]));
    const files = lab.stores.sheets.get().map((sheet) => ({ ...sheet, before: applied.get(sheet.file) }));
    return openMonaco(host.current, files, {
      edited: (name, text) => lab.edit(name, text),
      apply: () => events.current.onApply(),
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
        // One that is no longer wanted found its place taken away.
        if (gone) return;
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
  useEffect(() => port?.setPast(past), [port, past]);
  useEffect(() => port?.setLit(lit), [port, lit]);
  useEffect(() => port?.setNotes(notes), [port, notes]);
  useEffect(() => port?.setProblems(server), [port, server]);
  useEffect(() => {
    if (target && target.file === file) port?.reveal(target.file, target.line);
  }, [port, target, file]);
  return <div className="monaco-host" ref={host} />;
}
