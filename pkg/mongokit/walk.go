package mongokit

// WalkPrefix begins each comment that Walk makes.
const WalkPrefix = "walk: "

// Walk is the comment of a query that no index serves and that is meant so, with the reason. The tests' command monitor
// lets it pass, and MongoDB's profiler shows it.
func Walk(why string) string {
	return WalkPrefix + why
}
