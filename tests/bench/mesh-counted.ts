import { StepSampler } from '../../server/data-plane/decisions/hop-steps.ts';
// subnet, mode
const mode = process.argv[3];
let hops = 0;
const next = StepSampler.prototype.next;
if (mode === 'default') StepSampler.prototype.next = function (this: StepSampler, ...a: any[]) { hops++; return (next as any).apply(this, a); } as never;
else { const every = mode === 'every'; StepSampler.prototype.next = (() => { hops++; return every; }) as never; StepSampler.keepsTrace = () => every; }
let c = process.cpuUsage(), h = 0, slices: number[] = [];
let timer: NodeJS.Timeout | undefined;
process.on('message', (m: any) => {
  if (m === 'go') { slices = []; c = process.cpuUsage(); h = hops; timer = setInterval(() => { const d = process.cpuUsage(c); c = process.cpuUsage(); const n = (hops - h) / 2; h = hops; if (n > 50) slices.push((d.user + d.system) / n); }, 100); }
  if (m === 'stop') { clearInterval(timer); process.send!({ slices }); }
});
await import('./mesh-process.ts');
