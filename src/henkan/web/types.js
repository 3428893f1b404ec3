/**
 * The JSON of the server, and what answers requests, as types. There is nothing to run in this file.
 *
 * @typedef {"attention" | "pointer" | "saliency"} By  kind of the weights of an explanation
 *
 * @typedef {object} Model  a model of /v1/models
 * @property {string} name
 * @property {boolean} [default]
 * @property {string} architecture
 * @property {number | null} [parameters]
 * @property {number} [members]
 * @property {string | null} [task]
 * @property {string[]} [examples]  sources to try
 * @property {By | null} by  null if its predictions cannot be explained
 * @property {boolean} [calibrated]
 * @property {boolean} [copying]
 * @property {boolean} [reads_unknown]
 * @property {string} [source_symbols]  "characters", "graphemes" or a separator
 * @property {string} [target_symbols]
 * @property {string | null} [tags]  separator between feature tags; null if sources have no tags
 * @property {{source: string[], target: string[]}} [symbols]
 * @property {Record<string, unknown> | null} [metrics]
 * @property {{texts?: number, length?: number, explained_length?: number}} [limits]
 * @property {Card} [card]  of an exported model
 *
 * @typedef {object} Card  more about a model
 * @property {string} data  name of the task or file of the training pairs
 * @property {boolean} task  whether a task generated them
 * @property {number} pairs
 * @property {number} lexicon  number of known sources with their targets
 * @property {Record<string, unknown>} settings
 * @property {string} henkan  version
 *
 * @typedef {object} Candidate  one of several predictions
 * @property {string} prediction
 * @property {number | null} log_probability  in nats; null if it is from a lexicon
 *
 * @typedef {object} Result  the prediction for one text, with the fields of `henkan predict --json`
 * @property {string} source
 * @property {string | null} prediction
 * @property {number | null} log_probability
 * @property {number | null} confidence  from 0 to 1; null if unknown
 * @property {string} [reason]  why there is no prediction
 * @property {boolean} [abstained]
 * @property {boolean} [blank]
 * @property {boolean} [out_of_memory]
 * @property {boolean} [disallowed]
 * @property {boolean} [cut_off]
 * @property {string[]} [unknown]  such as "symbol 'x'" or "feature 'PST'"
 * @property {string[]} [outside]  in which ways the source is outside the training data
 * @property {string} [origin]  "lexicon" or "model"
 * @property {Candidate[]} [nbest]
 *
 * @typedef {object} Choice  one step of an explained prediction
 * @property {string} symbol  what the step writes; "" for nothing
 * @property {number} probability
 * @property {[string, number][]} runners_up
 * @property {number[]} weights  one for each source symbol
 * @property {string} [action]  of a transducer: "copy", "substitute", "insert", "delete" or "end"
 *
 * @typedef {object} Explanation  the object of `henkan explain --json`
 * @property {string} source
 * @property {string} answer
 * @property {number | null} confidence
 * @property {string[]} symbols  of the source, with feature tags first
 * @property {string[]} unknown
 * @property {boolean} cut_off
 * @property {boolean} [calibrated]  whether the confidence is calibrated
 * @property {Choice[]} choices
 * @property {By} by
 *
 * @typedef {object} ConvertOptions  options of /v1/convert
 * @property {number} beam
 * @property {number} nbest
 * @property {number} [abstain_below]
 * @property {string} [pattern]
 * @property {string} [symbols]
 * @property {string[]} [allow]
 *
 * @typedef {object} ExplainOptions  options of /v1/explain
 * @property {string | null} [answer]  the prediction to explain; null is the model's
 * @property {By | null} [by]
 *
 * @typedef {object} Api  what answers the requests of the page: a server, or a worker in the page
 * @property {boolean} constraints  whether predictions can be constrained
 * @property {() => Promise<Model[]>} models
 * @property {(model: string, texts: string[], options: Partial<ConvertOptions>, signal?: AbortSignal) =>
 *   Promise<Result[]>} convert
 * @property {(model: string, text: string, options: ExplainOptions, signal?: AbortSignal) => Promise<Explanation>}
 *   explain
 *
 * @typedef {{method: "load", data: string, numbers: Uint8Array<ArrayBuffer>}
 *   | {method: "convert", texts: string[], options: Partial<ConvertOptions>}
 *   | {method: "explain", text: string, options: ExplainOptions}} WorkerRequest  what local_api.js asks its worker
 *
 * @typedef {{value: unknown} | {message: string, refused: boolean, argument: string | null}} Reply  refused: what is
 *   wrong is the request
 *
 * @typedef {{reason: "busy" | "offline", seconds: number} | null} Waiting  why a request waits, and for how many
 *   seconds; null: it does not wait
 */

export {};
