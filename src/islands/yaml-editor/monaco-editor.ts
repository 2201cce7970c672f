import { currentTheme, onTheme } from '../../components/theme.ts';
import type { LineNote, LinePlace } from './caught.ts';
import type { EditorEvents, EditorFile, EditorPort } from './editor-port.ts';
import type { LitLines } from './lit-lines.ts';
import { monaco, YamlLanguage } from './monaco-setup.ts';
import { railColour, themeFromTokens } from './monaco-theme.ts';
import { type Problem, serverSpeaks } from './problems.ts';
import { offerFixes } from './quick-fixes.ts';
import { offerTerms } from './term-hover.ts';

// monaco-yaml may be configured once per page; the language outlives the editors that use it.
const page: { language?: YamlLanguage; pasts: number } = { pasts: 0 };

const SEVERITY = {
  error: monaco.MarkerSeverity.Error,
  warning: monaco.MarkerSeverity.Warning,
  info: monaco.MarkerSeverity.Info,
} as const;

function uriOf(file: string): monaco.Uri {
  return monaco.Uri.parse(`file:///${file}`);
}

function fileOf(uri: monaco.Uri): string {
  return uri.path.replace(/^\//, '');
}

function applyTheme(): void {
  monaco.editor.defineTheme('meshwork', themeFromTokens(currentTheme() === 'dark'));
  monaco.editor.setTheme('meshwork');
}

/** Monaco with YAML: one model per file, markers of the schema and of the server, lit lines of the open request. */
export async function openMonaco(
  host: HTMLElement,
  files: readonly EditorFile[],
  events: EditorEvents,
): Promise<EditorPort> {
  const language = page.language ?? new YamlLanguage();
  page.language = language;
  applyTheme();
  const stopTheme = onTheme(applyTheme);
  const models = new Map(files.map((file) => [file.file, modelOf(file)]));
  const readOnly = new Set(files.filter((file) => file.readOnly).map((file) => file.file));
  // The text of a moment of the past has models of its own: what is written stays as it is, with its undo.
  let past = new Map<string, monaco.editor.ITextModel>();
  let shownFile = '';
  const editor = monaco.editor.create(host, optionsOf());
  const lit = editor.createDecorationsCollection();
  const notes = editor.createDecorationsCollection();
  let litNow: readonly LitLines[] = [];
  let notesNow: readonly LineNote[] = [];
  let serverNow: readonly Problem[] = [];
  let setting = false;

  const text = (): string => [...models.values()].map((model) => model.getValue()).join('\n---\n');
  const listeners = [...models].map(([file, model]) =>
    model.onDidChangeContent(() => {
      if (setting) return;
      const value = model.getValue();
      monaco.editor.setModelLanguage(model, languageOf(value));
      if (model === editor.getModel()) editor.updateOptions({ wordWrap: wrapOf(value.length) });
      events.edited(file, value);
    }),
  );
  const markers = monaco.editor.onDidChangeMarkers(() => {
    quietSchema([...models.values()], serverNow);
    events.schemaProblems(schemaProblems([...models.values()]));
  });
  // A list of problems that opens takes room: the line that is being written stays in sight.
  editor.onDidLayoutChange(() => {
    const position = editor.getPosition();
    if (position && editor.hasTextFocus()) editor.revealPosition(position);
  });
  // What is pasted would be wrapped before anybody could say that it is too much.
  const pasted = (event: ClipboardEvent): void => {
    editor.updateOptions({ wordWrap: wrapOf(event.clipboardData?.getData('text').length ?? 0) });
  };
  host.addEventListener('paste', pasted, true);
  editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter, () => events.apply());

  const placeNow = (): LinePlace | undefined => {
    const [model, position] = [editor.getModel(), editor.getPosition()];
    return model && position ? { file: fileOf(model.uri), line: position.lineNumber } : undefined;
  };
  editor.onDidChangeCursorPosition(() => {
    const place = placeNow();
    if (place) events.moved(place);
  });
  editor.addAction({
    id: 'meshwork.caught',
    label: 'Show the requests that this line caught',
    keybindings: [monaco.KeyMod.Alt | monaco.KeyCode.Enter],
    contextMenuGroupId: 'navigation',
    run: () => {
      const place = placeNow();
      if (place) events.asked(place);
    },
  });

  const terms = offerTerms();
  const fixes = offerFixes((model) => serverNow.filter(({ file }) => file === fileOf(model.uri)));

  const drawLit = (): void => {
    const file = editor.getModel() ? fileOf(editor.getModel()!.uri) : '';
    lit.set(litNow.filter((one) => one.file === file).map(decorationOf));
    notes.set(notesNow.filter((one) => one.file === file).map(noteDecoration));
  };
  const showNow = (): void => {
    const model = past.get(shownFile) ?? models.get(shownFile);
    if (!model || editor.getModel() === model) return;
    const locked = past.has(shownFile) || readOnly.has(shownFile);
    editor.updateOptions({ readOnly: locked, wordWrap: wrapOf(model.getValueLength()) });
    editor.setModel(model);
    drawLit();
  };
  const textAtStart = text();
  await document.fonts.ready;
  monaco.editor.remeasureFonts();
  void language.start(textAtStart);

  let disposed = false;
  /** What the page still says to an editor that is gone is not for its successor, whose models have the same names. */
  const alive =
    <Given extends unknown[]>(act: (...given: Given) => void) =>
    (...given: Given): void => {
      if (!disposed) act(...given);
    };
  return {
    show: alive((file) => {
      shownFile = file;
      showNow();
    }),
    setPast: alive((texts) => {
      const old = past;
      past = new Map(texts?.map(({ file, text: then }) => [file, pastModel(file, then)]));
      showNow();
      for (const model of old.values()) model.dispose();
    }),
    setText: alive((file, value) => {
      const model = models.get(file);
      if (!model || model.getValue() === value) return;
      setting = true;
      model.pushEditOperations([], [{ range: model.getFullModelRange(), text: value }], () => null);
      setting = false;
    }),
    setLit: alive((next) => {
      litNow = next;
      drawLit();
    }),
    setNotes: alive((next) => {
      notesNow = next;
      drawLit();
    }),
    setProblems: alive((problems) => {
      serverNow = problems;
      for (const [file, model] of models) {
        monaco.editor.setModelMarkers(model, 'meshwork', problems.filter((one) => one.file === file).map(markerOf));
      }
      quietSchema([...models.values()], serverNow);
    }),
    reveal: alive((_file, line) => {
      editor.setPosition({ lineNumber: line, column: 1 });
      editor.revealLineInCenter(line);
      editor.focus();
    }),
    dispose: alive(() => {
      disposed = true;
      stopTheme();
      host.removeEventListener('paste', pasted, true);
      markers.dispose();
      fixes.dispose();
      terms.dispose();
      for (const listener of listeners) listener.dispose();
      editor.dispose();
      for (const model of [...models.values(), ...past.values()]) model.dispose();
    }),
  };
}

function modelOf(file: EditorFile): monaco.editor.ITextModel {
  monaco.editor.getModel(uriOf(file.file))?.dispose();
  const { text, before = text } = file;
  const model = monaco.editor.createModel(before, languageOf(text), uriOf(file.file));
  // The editor's own history ends with its page: what was applied last is one Undo away, and comes back by Redo.
  if (before !== text) {
    model.pushEditOperations([], [{ range: model.getFullModelRange(), text }], () => null);
    model.pushStackElement();
  }
  return model;
}

function pastModel(file: string, text: string): monaco.editor.ITextModel {
  page.pasts += 1;
  const uri = monaco.Uri.from({ scheme: 'past', path: `/${file}`, query: String(page.pasts) });
  return monaco.editor.createModel(text, languageOf(text), uri);
}

const HEAVY_CHARACTERS = 300_000;
const HEAVY_ALIASES = 60;

/** Text that is huge, or that aliases would make huge, is plain to the editor: its YAML worker would unfold all of it. */
function languageOf(text: string): 'yaml' | 'plaintext' {
  if (text.length > HEAVY_CHARACTERS) return 'plaintext';
  const aliases = text.match(/(^|[\s,[{])\*[\w-]/g)?.length ?? 0;
  return aliases > HEAVY_ALIASES ? 'plaintext' : 'yaml';
}

/** Long lines are wrapped, because comments tell what to do; not those of a text of megabytes, which would take seconds. */
const wrapOf = (characters: number): 'on' | 'off' => (characters > HEAVY_CHARACTERS ? 'off' : 'on');

function optionsOf(): monaco.editor.IStandaloneEditorConstructionOptions {
  return {
    model: null,
    theme: 'meshwork',
    automaticLayout: true,
    ariaLabel: 'YAML. Ctrl+M lets the Tab key leave the editor.',
    fontFamily: "'Source Code Pro Variable', ui-monospace, monospace",
    fontSize: 12.5,
    lineHeight: 20,
    lineNumbersMinChars: 3,
    lineDecorationsWidth: 12,
    glyphMargin: false,
    folding: false,
    minimap: { enabled: false },
    padding: { top: 4, bottom: 4 },
    renderLineHighlight: 'none',
    // Its dimmed number would be too faint to read.
    renderFinalNewline: 'on',
    scrollBeyondLastLine: false,
    wordWrap: 'on',
    wrappingIndent: 'indent',
    overviewRulerLanes: 2,
    scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10, useShadows: false },
    guides: { indentation: false },
    tabSize: 2,
    insertSpaces: true,
    quickSuggestions: { other: true, comments: false, strings: true },
    fixedOverflowWidgets: true,
    stickyScroll: { enabled: false },
    unicodeHighlight: { ambiguousCharacters: false },
    wordBasedSuggestions: 'off',
    // A list that opens by itself has nothing chosen: Enter is a new line until an arrow or Ctrl+Space says otherwise.
    suggest: { selectionMode: 'never', showWords: false },
    bracketPairColorization: { enabled: false },
  };
}

function decorationOf(one: LitLines): monaco.editor.IModelDeltaDecoration {
  const name = one.stop ? 'lit end' : 'lit';
  return {
    range: new monaco.Range(one.line, 1, one.endLine, 1000),
    options: {
      isWholeLine: true,
      className: `line-${name.replace(' ', '-')}`,
      marginClassName: `bar-${name.replace(' ', '-')}`,
      lineNumberClassName: `number-${name.replace(' ', '-')}`,
      overviewRuler: {
        color: railColour(one.stop ? '--error' : '--hand'),
        position: monaco.editor.OverviewRulerLane.Right,
      },
      ...(one.note ? { after: { content: `  ${one.note}`, inlineClassName: 'note-lit' } } : {}),
    },
  };
}

function noteDecoration({ line, text, stop }: LineNote): monaco.editor.IModelDeltaDecoration {
  return {
    range: new monaco.Range(line, 1, line, 1000),
    options: { after: { content: `  ${text}`, inlineClassName: stop ? 'note-lit' : 'note-caught' } },
  };
}

function markerOf(one: Problem): monaco.editor.IMarkerData {
  return {
    severity: SEVERITY[one.severity],
    startLineNumber: one.line,
    startColumn: one.column,
    endLineNumber: one.endLine,
    endColumn: Math.max(one.endColumn, one.column + 1),
    message: one.hint ? `${one.message} ${one.hint}` : one.message,
    code: one.code,
    source: 'mesh',
  };
}

/** Takes the schema's marker away where the server speaks about the same line. */
function quietSchema(models: readonly monaco.editor.ITextModel[], server: readonly Problem[]): void {
  for (const model of models) {
    const file = fileOf(model.uri);
    const own = monaco.editor.getModelMarkers({ resource: model.uri, owner: 'yaml' });
    const kept = own.filter((one) => !serverSpeaks(server, file, one.startLineNumber, one.endLineNumber));
    if (kept.length < own.length) monaco.editor.setModelMarkers(model, 'yaml', kept);
  }
}

function schemaProblems(models: readonly monaco.editor.ITextModel[]): Problem[] {
  return models.flatMap((model) =>
    monaco.editor.getModelMarkers({ resource: model.uri, owner: 'yaml' }).map((one) => ({
      key: `schema ${model.uri.path} ${one.startLineNumber} ${one.startColumn} ${one.message}`,
      file: fileOf(model.uri),
      line: one.startLineNumber,
      column: one.startColumn,
      endLine: one.endLineNumber,
      endColumn: one.endColumn,
      severity: one.severity === monaco.MarkerSeverity.Error ? ('error' as const) : ('warning' as const),
      code: '',
      message: one.message,
      hint: '',
      lesson: '',
    })),
  );
}
