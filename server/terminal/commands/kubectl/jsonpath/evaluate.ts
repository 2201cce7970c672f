import { UsageError } from '../../../command.ts';
import { type Operator, type Path, type Piece, parsePath, parseTemplate, type Step } from './parse.ts';

const MAX_VALUES = 100_000;

/** Fills a JSONPath template from an object, as `kubectl get -o jsonpath=` does. A missing field is empty; a missing item is an error. */
export function evaluateJsonPath(template: string, root: unknown): string {
  const pieces = parseTemplate(template);
  try {
    return render(pieces, root, root);
  } catch (error) {
    if (error instanceof OutOfBounds)
      throw new UsageError(
        `error: error executing jsonpath "${template}": Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}`,
      );
    throw error;
  }
}

/** The values that a path such as `.metadata.name` or `{.metadata.name}` selects. */
export function selectPath(path: string, root: unknown): unknown[] {
  const bare = path.replace(/^\{(.*)\}$/s, '$1');
  return select(parsePath(bare), root, root);
}

class OutOfBounds extends Error {}

function render(pieces: readonly Piece[], root: unknown, current: unknown): string {
  return pieces
    .map((piece) => {
      if (piece.type === 'text') return piece.text;
      const values = select(piece.path, root, current);
      if (piece.type === 'path') return values.map(showValue).join(' ');
      return values.map((value) => render(piece.body, root, value)).join('');
    })
    .join('');
}

export const showValue = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

function select(path: Path, root: unknown, current: unknown): unknown[] {
  let values: unknown[] = [path.from === 'root' ? root : current];
  for (const step of path.steps) {
    values = values.flatMap((value) => take(value, step));
    if (values.length > MAX_VALUES) throw new UsageError('error: the jsonpath selects too much');
  }
  return values;
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const children: unknown[] = Array.isArray(value) ? value : Object.values(value);
  switch (step.type) {
    case 'key':
      return field(value, step.name);
    case 'union':
      return step.names.flatMap((name) => field(value, name));
    case 'all':
      return children;
    case 'below':
      return everything(value);
    case 'index':
      if (!Array.isArray(value)) return [];
      if (step.index >= value.length || step.index < -value.length)
        throw new OutOfBounds(`array index out of bounds: index ${step.index}, length ${value.length}`);
      return [value.at(step.index)];
    case 'slice':
      return Array.isArray(value) ? value.slice(step.from, step.to) : [];
    case 'filter':
      return children.filter((child) => passes(child, step));
  }
}

function field(value: object, name: string): unknown[] {
  const found = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  return found === undefined ? [] : [found];
}

function everything(value: unknown): unknown[] {
  const found: unknown[] = [value];
  for (let i = 0; i < found.length && found.length <= MAX_VALUES; i++) {
    const each = found[i];
    if (typeof each === 'object' && each !== null) found.push(...Object.values(each));
  }
  return found;
}

function passes(child: unknown, { path, operator, value }: Extract<Step, { type: 'filter' }>): boolean {
  const found = select(path, child, child);
  if (operator === undefined || value === undefined) return found.length > 0;
  const [first] = found;
  return first !== undefined && compare(first, operator, value);
}

function compare(found: unknown, operator: Operator, wanted: string | number): boolean {
  const left = typeof found === 'number' ? found : showValue(found);
  const right = typeof left === 'number' ? Number(wanted) : String(wanted);
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}
