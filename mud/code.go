package mud

// code is what is always so of a kind of problem.
type code struct {
	level  Level
	strict Level  // in the RFC's form; "" is the same
	rfc    string // where that is said
}

// codes are the kinds of problem that reading finds; lints has those that it takes a closer look to find.
var codes = map[string]code{
	// The text of the file.
	"file.size":      {level: Error},
	"file.utf8":      {level: Error, rfc: "8259 §8.1"},
	"file.depth":     {level: Error},
	"file.nodes":     {level: Error},
	"file.entries":   {level: Error},
	"json.syntax":    {level: Error, rfc: "8259 §2"},
	"json.more":      {level: Error, rfc: "8259 §2"},
	"json.duplicate": {level: Error, rfc: "7951 §4"},

	// The rules of YANG.
	"yang.type":       {level: Error, rfc: "7951 §6"},
	"yang.missing":    {level: Error, rfc: "8520 §7"},
	"yang.character":  {level: Error, rfc: "7950 §9.4"},
	"yang.length":     {level: Error, rfc: "7950 §9.4.4"},
	"yang.empty":      {level: Error, rfc: "7950 §9.4.4"},
	"yang.uri":        {level: Error, rfc: "6991 §4"},
	"yang.number":     {level: Error, rfc: "7951 §6.1"},
	"yang.time":       {level: Error, rfc: "6991 §3"},
	"yang.word":       {level: Error, rfc: "7951 §6.4"},
	"yang.binary":     {level: Error, rfc: "7951 §6.6"},
	"yang.prefix":     {level: Error, rfc: "6991 §4"},
	"yang.mac":        {level: Error, rfc: "6991 §3"},
	"yang.host":       {level: Error, rfc: "6991 §4"},
	"yang.ethertype":  {level: Error, rfc: "8519 §4.3"},
	"yang.empty-leaf": {level: Error, rfc: "7951 §6.9"},
	"yang.twice":      {level: Warning, strict: Error, rfc: "7950 §7.7"},
	"yang.qualified":  {level: Note, rfc: "7951 §4"},
	"yang.unknown":    {level: Warning, rfc: "8520 §3.9"},

	// The rules of MUD files and access lists.
	"mud.root":            {level: Warning, rfc: "8520 §2"},
	"mud.version":         {level: Error, rfc: "8520 §3.1"},
	"time.calendar":       {level: Warning, rfc: "6991 §3"},
	"transparency.name":   {level: Note, rfc: "9472 §4"},
	"cache.range":         {level: Warning, strict: Error, rfc: "8520 §3.5"},
	"policy.missing-acl":  {level: Warning, strict: Error, rfc: "8520 §3.3"},
	"policy.twice":        {level: Warning, strict: Error, rfc: "8520 §7"},
	"acl.twice":           {level: Warning, strict: Error, rfc: "8519 §4.1"},
	"acl.type":            {level: Warning, strict: Error, rfc: "8519 §4.1"},
	"acl.name-length":     {level: Warning, strict: Error, rfc: "8519 §4.1"},
	"acl.host-bits":       {level: Note, rfc: "6991 §4"},
	"acl.eth":             {level: Warning, rfc: "8520 §2"},
	"acl.not-in-mud":      {level: Note, rfc: "8520 §2"},
	"ace.twice":           {level: Warning, strict: Error, rfc: "8519 §4.1"},
	"ace.unknown":         {level: Warning, rfc: "8520 §3.9"},
	"ace.choice":          {level: Error, rfc: "8519 §4.1"},
	"port.order":          {level: Error, rfc: "8519 §4.2"},
	"port.choice":         {level: Error, rfc: "8519 §4.2"},
	"dns.wildcard":        {level: Warning, rfc: "8520 §8"},
	"transparency.choice": {level: Warning, strict: Error, rfc: "9472 §4"},
	"transparency.prefix": {level: Note, rfc: "7951 §4"},
	"signature.relative":  {level: Note, rfc: "6991 §4"},
	"file.problems":       {level: Note},

	// Shapes of the drafts.
	"draft.bom":           {level: Warning, strict: Error, rfc: "8259 §8.1"},
	"draft.prefix":        {level: Warning, strict: Error, rfc: "7951 §4"},
	"draft.name":          {level: Warning, strict: Error, rfc: "8519 §4.1"},
	"draft.boolean":       {level: Warning, strict: Error, rfc: "7951 §6.3"},
	"draft.empty":         {level: Warning, strict: Error, rfc: "7951 §6.9"},
	"draft.number":        {level: Warning, strict: Error, rfc: "7951 §6.1"},
	"draft.time":          {level: Warning, strict: Error, rfc: "6991 §3"},
	"draft.prefix-length": {level: Warning, strict: Error, rfc: "6991 §4"},
	"draft.ethertype":     {level: Warning, strict: Error, rfc: "8519 §4.3"},
	"draft.version":       {level: Warning, strict: Error, rfc: "8520 §3.1"},
	"draft.policy-type":   {level: Note, strict: Error, rfc: "8520 §7"},
	"draft.acl-type":      {level: Warning, strict: Error, rfc: "8519 §4.1"},
	"draft.action":        {level: Warning, strict: Error, rfc: "8519 §4.1"},
	"draft.port-range":    {level: Warning, strict: Error, rfc: "8519 §4.2"},
	"draft.operator":      {level: Warning, strict: Error, rfc: "8519 §4.2"},
	"draft.list":          {level: Warning, strict: Error, rfc: "7951 §5.3"},
}
