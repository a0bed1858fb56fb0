/**
 * Frees the managed objects that nothing refers to any more. The runtime (`minimal`, in asconfig.json) does it only when
 * asked, and so needs no stack of its own for the references in hand, which would cost a third of both the module's size
 * and its speed. To be called only where none are: at the end of a callback. Traffic in steady state makes no managed
 * objects.
 */
export function collectGarbage(): void {
  __collect();
}
