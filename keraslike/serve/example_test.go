// SPDX-License-Identifier: Apache-2.0

package serve_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/serve"
)

func ExampleNew() {
	model := k.Sequential("sum", k.Input(3), k.Dense(1, k.KernelInitializer(k.Ones())))
	err := model.Build(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := serve.New(serve.Model("sum", model), serve.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer handler.Close()

	server := httptest.NewServer(handler) // or handler.ListenAndServe(ctx, ":8080")
	defer server.Close()
	answer, err := http.Post(server.URL+"/v1/models/sum:predict", "application/json", strings.NewReader(`{"instances": [[1, 2, 3], [4, 5, 6]]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	fmt.Printf("%s", text)
	// Output: {"model_name":"sum","model_version":"1","predictions":[[6],[15]]}
}
