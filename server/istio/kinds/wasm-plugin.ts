import { checkAttachment } from '../rules/target-refs.ts';
import { checkTrafficSelectors, checkWasm } from '../rules/wasm.ts';
import { EXTENSIONS } from './api-groups.ts';
import { defineKind } from './definition.ts';

export const wasmPluginKind = defineKind({
  ...EXTENSIONS,
  kind: 'WasmPlugin',
  plural: 'wasmplugins',
  check: (spec, findings) => {
    checkAttachment(spec, findings);
    checkWasm(spec, findings);
    checkTrafficSelectors(spec.get('match'), findings);
  },
});
