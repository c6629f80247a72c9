package conversation

import "github.com/confab-chat/confab/pkg/httpkit"

// tutorialRoutes are those of the tutorial "Creating a Real Time Chat API with Node, Express, Socket.io, and MongoDB".
func tutorialRoutes(s *httpkit.Server, e TutorialEndpoints) []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /api/chat", Handler: s.Tutorial(e.List)},
		{Pattern: "GET /api/chat/recipients", Handler: s.Tutorial(e.Recipients)},
		{Pattern: "GET /api/chat/{conversationId}", Handler: s.Tutorial(e.Get)},
		{Pattern: "POST /api/chat/{conversationId}", Handler: s.Tutorial(e.Send)},
		{Pattern: "POST /api/chat/new/{recipient}", Handler: s.Tutorial(e.Start)},
		{Pattern: "DELETE /api/chat/{conversationId}", Handler: s.Tutorial(e.Delete)},
		{Pattern: "PUT /api/chat/message/{messageId}", Handler: s.Tutorial(e.Edit)},
	}
}
