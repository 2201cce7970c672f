import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { checkAttachment } from '../rules/target-refs.ts';
import { checkTrafficSelectors, checkWasm } from '../rules/wasm.ts';
import { EXTENSIONS } from './api-groups.ts';
import { defineKind } from './definition.ts';

const MAX_CODE = 65_536;

function checkLua(lua: Field, findings: Findings): void {
  const code = lua.get('inlineCode');
  if (code.text === '') findings.reject(code, 'lua.inlineCode cannot be empty', 'Add the code.');
  if (Buffer.byteLength(code.text) > MAX_CODE) findings.reject(code, 'lua.inlineCode exceeds maximum size of 64KB');
}

function check(spec: Field, findings: Findings): void {
  const [wasm, lua] = [spec.get('wasm'), spec.get('lua')];
  // Both together are the schema's to refuse.
  if (!wasm.exists && !lua.exists) findings.reject(spec, 'exactly one of wasm or lua must be set', 'Add wasm or lua.');
  checkAttachment(spec, findings);
  if (lua.exists) checkLua(lua, findings);
  if (wasm.exists) checkWasm(wasm, findings);
  checkTrafficSelectors(spec.get('match'), findings);
}

export const trafficExtensionKind = defineKind({
  ...EXTENSIONS,
  kind: 'TrafficExtension',
  plural: 'trafficextensions',
  check,
});
